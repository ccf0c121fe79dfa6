"""Judges a rejected attempt again from its gates' recorded scores, when only thresholds have changed.

Law: pure, and no model is asked. A gate that errored or was not asked counts as no pass. A rejection that its score
does not explain stays a rejection. The queue finds near-duplicates, so an old verdict on them is left out.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from schemas.orders import Attempt
from schemas.verdicts import DIVERSITY, Errored, GateName, Passed, Rejected, Verdict

_BESIDE_THRESHOLDS = frozenset({"judging.duplicate_similarity", "judging.embedder.similarity", "recovery.bar"})


class PassingTerms(Struct, frozen=True):
    """What an attempt must pass now. `thresholds`: for first attempts, of each gate that has one. `required`: gates
    without which no attempt is accepted. `bar`: gives the verdicts of an attempt with a number (`recovery.bar`)."""

    thresholds: Mapping[GateName, float]
    required: Collection[GateName]
    bar: Callable[[Sequence[Verdict], int], tuple[Verdict, ...]]


def changes_no_score(key: str) -> bool:
    """Whether a configuration key changes no score, only what scores lead to: `gates.NAME.threshold`, the similarity of
    near-duplicates, and the bar of repaired samples."""
    section, _, rest = key.partition(".")
    return key in _BESIDE_THRESHOLDS or (section == "gates" and rest.count(".") == 1 and rest.endswith(".threshold"))


def judged_anew(attempt: Attempt, terms: PassingTerms, unjudged: Collection[GateName] = ()) -> Attempt | None:
    """The attempt with today's verdicts; None when it does not pass every gate, or this is unknown. `unjudged`: gates
    that do not judge its order today; the attempt is accepted without those of them that did not judge it then."""
    if attempt.candidate is None or attempt.candidate.draft is None:
        return None
    said = [verdict for verdict in attempt.verdicts if verdict.gate != DIVERSITY]
    if any(isinstance(verdict, Errored) for verdict in said):
        return None
    verdicts = terms.bar([_judged_anew(verdict, terms) for verdict in said], attempt.number)
    unasked = set(attempt.unjudged) & set(unjudged)
    passed = {verdict.gate for verdict in verdicts if isinstance(verdict, Passed)}
    if len(passed) < len(verdicts) or not passed | unasked >= set(terms.required):
        return None
    return replace(attempt, verdicts=verdicts, diagnosis=None, choice=None)


def _judged_anew(verdict: Verdict, terms: PassingTerms) -> Verdict:
    if isinstance(verdict, Errored):
        return verdict
    threshold = terms.thresholds.get(verdict.gate) if (edge := _edge(verdict)) is None else edge
    if threshold is None:
        return verdict
    if isinstance(verdict, Rejected) and verdict.score >= verdict.threshold:
        return verdict
    said = Passed if verdict.score >= threshold else Rejected
    return said(verdict.gate, verdict.score, threshold, replace(verdict.evidence, raised=None), verdict.cost)


def _edge(verdict: Passed | Rejected) -> float | None:
    """The edge of the band at which the cheap gate of a cascade decided, without a raised bar; None if it did not: the
    thresholds of the configuration are those of judges."""
    cascade = verdict.evidence.cascade
    if cascade is None or len(cascade.steps) > 1:
        return None
    return verdict.threshold if verdict.evidence.raised is None else verdict.evidence.raised.configured
