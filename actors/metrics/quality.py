"""Metrics of what gates said, why samples failed, what repairs were worth, and what went wrong."""

from collections import Counter
from collections.abc import Callable, Iterator

from actors.metrics.metric import ENGINE, Label, Metric, Point, Seen, Type, counter
from schemas.distributions import SCORES, Distribution
from schemas.errors import ErrorKind
from schemas.progress import RepairStat
from schemas.samples import MalformedReason
from schemas.verdicts import FAITHFULNESS, REWARD


def _verdicts(seen: Seen) -> Iterator[Point]:
    said = {verdicts.gate: verdicts for verdicts in seen.snapshot.summary.verdicts}
    for gate in seen.run.checks:
        for verdict in ("passed", "rejected", "errored"):
            yield (gate, verdict), getattr(said.get(gate), verdict, 0)


def _scores(seen: Seen) -> Iterator[Point]:
    for gate in seen.run.checks:
        yield (gate,), seen.snapshot.distributions.scores.get(gate, Distribution())


def _overlap(seen: Seen) -> Iterator[Point]:
    overlap = seen.snapshot.summary.overlap
    if overlap.sets:
        yield from _overlap_of_many(seen)
        return
    either = overlap.both + overlap.only_faithfulness + overlap.only_reward
    yield ("none",), overlap.scored - either
    yield ("both",), overlap.both
    yield (FAITHFULNESS,), overlap.only_faithfulness
    yield (REWARD,), overlap.only_reward


def _overlap_of_many(seen: Seen) -> Iterator[Point]:
    """Of whatever gates: by one alone, or by several."""
    counted: Counter[str] = Counter(dict.fromkeys(("none", "several", *seen.run.gates), 0))
    for row in seen.snapshot.summary.overlap.compared:
        rejected = [gate for gate in row.rejected if gate in seen.run.checks]
        by = "none" if not rejected else rejected[0] if len(rejected) == 1 else "several"
        counted[by] += row.attempts
    yield from (((by,), attempts) for by, attempts in counted.items())


def _modes(seen: Seen) -> Iterator[Point]:
    counted: Counter[str] = Counter(dict.fromkeys(seen.run.all_modes, 0))
    for count in seen.snapshot.summary.modes:
        counted[seen.run.mode(count.mode)] += count.attempts
    yield from (((mode,), attempts) for mode, attempts in counted.items())


def _malformed(seen: Seen) -> Iterator[Point]:
    counted = {count.reason: count.attempts for count in seen.snapshot.summary.malformed}
    for reason in MalformedReason:
        yield (reason.value,), counted.get(reason, 0)


def _repairs(seen: Seen) -> Iterator[Point]:
    return _by_repair(seen, lambda stat: stat.tried)


def _repaired(seen: Seen) -> Iterator[Point]:
    return _by_repair(seen, lambda stat: stat.accepted)


def _by_repair(seen: Seen, read: Callable[[RepairStat], int]) -> Iterator[Point]:
    counted: Counter[tuple[str, str]] = Counter()
    for stat in seen.snapshot.summary.repairs:
        counted[(seen.run.mode(stat.mode), seen.run.repair(stat.repair))] += read(stat)
    yield from counted.items()


def _errors(seen: Seen) -> Iterator[Point]:
    summary = seen.snapshot.summary
    counted: dict[tuple[str, ErrorKind], int] = {(errors.gate, errors.kind): errors.count for errors in summary.errors}
    counted |= {(ENGINE, errors.kind): errors.count for errors in summary.engine_errors}
    for where in (ENGINE, *seen.run.checks):
        for kind in ErrorKind:
            yield (where, kind.value), counted.get((where, kind), 0)


def _failures(seen: Seen) -> Iterator[Point]:
    for pool in seen.run.models:
        for kind in ErrorKind:
            yield (pool, kind.value), seen.failures.get((pool, kind), 0)


QUALITY = (
    counter(
        "gleaner_verdicts_total",
        "What each gate said.",
        (Label.GATE, Label.VERDICT),
        _verdicts,
    ),
    Metric(
        "gleaner_gate_score",
        Type.HISTOGRAM,
        "Scores that each gate gave, from 0 to 1, higher is better.",
        (Label.GATE,),
        _scores,
        SCORES,
    ),
    counter(
        "gleaner_gate_overlap_total",
        "Attempts that two gates scored, or more, by which rejected: one alone, both (of more: several) or none.",
        (Label.REJECTED_BY,),
        _overlap,
    ),
    counter("gleaner_diagnoses_total", "Rejected attempts by the failure mode diagnosed.", (Label.MODE,), _modes),
    counter(
        "gleaner_malformed_total",
        "Rejected attempts whose completion was no draft, by what it lacked.",
        (Label.DEFECT,),
        _malformed,
    ),
    counter(
        "gleaner_repairs_total",
        "Attempts made under a repair, by the diagnosis it was chosen for.",
        (Label.MODE, Label.REPAIR),
        _repairs,
    ),
    counter(
        "gleaner_repairs_accepted_total",
        "Of these, attempts that were accepted.",
        (Label.MODE, Label.REPAIR),
        _repaired,
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
)
