"""Compares a gate's verdicts with labels. Law: errors are counted apart, as neither right nor wrong."""

from collections.abc import Sequence

from msgspec import Struct

from actors.counts.rates import auroc, auroc_interval, f1_interval, rate, share
from actors.probes.labelled import Labelled
from schemas.gate_audit import ClassFigures, Disagreement, GateAudit, NotJudged, Rate
from schemas.verdicts import Errored, GateName, Passed, Rejected, Verdict


class Measured(Struct, frozen=True):
    """The measurement: the gate, the labelled file's name and checksum, the seconds it took, and how many rows of the
    file only repeat other rows."""

    gate: GateName
    labelled: str
    sha256: str
    seconds: float
    repeated: int = 0


def agreement(of: Measured, rows: Sequence[Labelled], verdicts: Sequence[Verdict]) -> GateAudit:
    """The figures of a gate that gave these verdicts on these rows. Both are in the same order."""
    pairs = list(zip(rows, verdicts, strict=True))
    judged = [(row, verdict) for row, verdict in pairs if not isinstance(verdict, Errored)]
    good = [isinstance(verdict, Passed) for row, verdict in judged if row.label]
    bad = [isinstance(verdict, Passed) for row, verdict in judged if not row.label]
    good_passed, bad_passed = sum(good), sum(bad)
    good_rejected, bad_rejected = len(good) - good_passed, len(bad) - bad_passed
    scores = [verdict.score for _, verdict in judged]
    graded = any(0 < score < 1 for score in scores)
    area = auroc(scores, [row.label for row, _ in judged]) if graded else None
    return GateAudit(
        gate=of.gate,
        labelled=of.labelled,
        sha256=of.sha256,
        threshold=judged[0][1].threshold if judged else None,
        rows=len(pairs) + of.repeated,
        judged=len(judged),
        errors=len(pairs) - len(judged),
        good_passed=good_passed,
        good_rejected=good_rejected,
        bad_passed=bad_passed,
        bad_rejected=bad_rejected,
        agreement=rate(good_passed + bad_rejected, len(judged)),
        passing=_figures(rate(good_passed, good_passed + bad_passed), rate(good_passed, len(good))),
        rejecting=_figures(rate(bad_rejected, bad_rejected + good_rejected), rate(bad_rejected, len(bad))),
        auroc=area,
        auroc_interval=None if area is None else auroc_interval(area, len(good), len(bad)),
        seconds=of.seconds,
        repeated=of.repeated,
        disagreements=tuple(
            _disagreement(row, verdict) for row, verdict in judged if isinstance(verdict, Passed) is not row.label
        ),
        not_judged=tuple(
            NotJudged(row.line, row.label, verdict.error, verdict.detail)
            for row, verdict in pairs
            if isinstance(verdict, Errored)
        ),
    )


def _figures(precision: Rate, recall: Rate) -> ClassFigures:
    both = 2 * recall.successes
    of_either = precision.trials + recall.trials
    return ClassFigures(precision, recall, share(both, of_either), f1_interval(recall.successes, of_either - both))


def _disagreement(row: Labelled, verdict: Passed | Rejected) -> Disagreement:
    draft = row.request.draft
    return Disagreement(row.line, row.label, verdict.score, draft.question, draft.answer, verdict.evidence.note)
