"""Metrics of quality that no table has in this form: overlap of gates, errors, labels of credited solutions."""

from collections import Counter
from collections.abc import Iterable, Iterator

from actors.metrics.metric import ENGINE, Label, Point, Seen, counted, counter
from schemas.errors import ErrorKind
from schemas.verdicts import FAITHFULNESS, REWARD


def _overlap(seen: Seen) -> Iterable[Point]:
    """Attempts by the gates that rejected them: none, one alone, or several (with the usual two gates: both)."""
    overlap = seen.snapshot.summary.overlap
    several, gates = ("several", seen.run.gates) if overlap.sets else ("both", (FAITHFULNESS, REWARD))
    counts: Counter[str] = Counter(dict.fromkeys(("none", several, *gates), 0))
    for row in overlap.compared:
        rejected = [gate for gate in row.rejected if gate in seen.run.checks]
        counts["none" if not rejected else rejected[0] if len(rejected) == 1 else several] += row.attempts
    return [((by,), attempts) for by, attempts in counts.items()]


def _errors(seen: Seen) -> Iterable[Point]:
    summary = seen.snapshot.summary
    found = [((each.gate, each.kind.value), each.count) for each in summary.errors]
    found += [((ENGINE, each.kind.value), each.count) for each in summary.engine_errors]
    return counted((Label.WHERE, Label.ERROR), seen.run, found)


def _failures(seen: Seen) -> Iterator[Point]:
    for pool in seen.run.models:
        for kind in ErrorKind:
            yield (pool, kind.value), seen.failures.get((pool, kind), 0)


def _labelled(seen: Seen) -> Iterator[Point]:
    credit = seen.snapshot.summary.credit
    yield ("decided",), credit.decided
    yield ("undecided",), credit.labelled - credit.decided


QUALITY = (
    counter(
        "gleaner_gate_overlap_total",
        "Attempts that two gates scored, or more, by which rejected: one alone, both (of more: several) or none.",
        (Label.REJECTED_BY,),
        _overlap,
    ),
    counter(
        "gleaner_errors_total",
        "Attempts that a generator's or a gate's error ended, tries used up.",
        (Label.WHERE, Label.ERROR),
        _errors,
    ),
    counter(
        "gleaner_call_failures_total",
        "Calls to a pool or gate that failed, tried again or not, since this process started.",
        (Label.POOL, Label.ERROR),
        _failures,
    ),
    counter(
        "gleaner_credits_labelled_total",
        "Wrong solutions that were labelled: with the first pit as sure as asked, or stopped before.",
        (Label.FINDING,),
        _labelled,
    ),
)
