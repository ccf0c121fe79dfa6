"""Metrics of what is known to be bad or good: injected samples and canaries.

Law: rates speak of the present version of each gate, over its last canaries; what cannot be known is NaN, never 0.
"""

import math
from collections.abc import Iterator

from actors.metrics.metric import BOUNDS, FATES, UNSAID, Label, Point, Seen, alone, counter, gauge
from schemas.canaries import CanaryEnd, DriftOf, GateCanaries
from schemas.gate_audit import Rate


def _injections(seen: Seen) -> Iterator[Point]:
    for each in seen.snapshot.summary.injections:
        for fate in FATES:
            yield (each.kind.value, fate), getattr(each, fate)


def _injections_caught(seen: Seen) -> Iterator[Point]:
    for each in seen.snapshot.summary.injections:
        for found in each.by_gate:
            if found.gate in seen.run.checks:
                yield (each.kind.value, found.gate), found.caught


def _ended(seen: Seen) -> Iterator[Point]:
    ends = {each.end: each.canaries for each in seen.snapshot.summary.canaries.ends}
    for end in CanaryEnd:
        yield (end.value,), ends.get(end, 0)


def _present(seen: Seen) -> Iterator[GateCanaries]:
    return (gate for gate in seen.snapshot.summary.canaries.gates if gate.last and gate.gate in seen.run.checks)


def _rates(seen: Seen) -> Iterator[Point]:
    for gate in _present(seen):
        rates = gate.window
        told = ((DriftOf.RECALL.value, rates.recall), (DriftOf.GOOD_PASSED.value, rates.good_passed))
        for name, rate in (*told, ("precision", rates.precision)):
            for bound, value in _bounds(rate):
                yield (gate.gate, name, bound), value


def _recall(seen: Seen) -> Iterator[Point]:
    for gate in _present(seen):
        for each in gate.kinds:
            for bound, value in _bounds(each.recent):
                yield (gate.gate, UNSAID if each.kind is None else each.kind.value, bound), value


def _bounds(rate: Rate) -> Iterator[tuple[str, float]]:
    for bound in BOUNDS:
        known = getattr(rate, bound)
        yield bound, math.nan if known is None else known


def _judged(seen: Seen) -> Iterator[Point]:
    for gate in _present(seen):
        yield (gate.gate,), gate.in_window


def _drift(seen: Seen) -> Iterator[Point]:
    for gate in _present(seen):
        for each in gate.drift:
            yield (gate.gate, each.of.value), float(each.flagged)


PROBES = (
    counter(
        "gleaner_injections_total",
        "Orders made bad on purpose by what became of their first attempt.",
        (Label.FLAW, Label.FATE),
        _injections,
    ),
    counter(
        "gleaner_injections_caught_total",
        "Of those known to be bad, rejected by a gate, alone or with others.",
        (Label.FLAW, Label.GATE),
        _injections_caught,
    ),
    counter(
        "gleaner_canaries_issued_total",
        "Labelled samples sent through the gates.",
        (),
        alone(lambda seen: seen.snapshot.summary.canaries.issued),
    ),
    counter("gleaner_canaries_ended_total", "Of these, ended, by how.", (Label.FATE,), _ended),
    gauge(
        "gleaner_canary_rate",
        "Rates of a gate's present version over its last canaries, with their 95% intervals: recall of bad ones, "
        "precision of its rejections, good ones passed.",
        (Label.GATE, Label.RATE, Label.BOUND),
        _rates,
    ),
    gauge(
        "gleaner_canary_recall",
        "Recall of a gate's present version by the canaries' flaw, over the last ones, with its 95% interval.",
        (Label.GATE, Label.FLAW, Label.BOUND),
        _recall,
    ),
    gauge("gleaner_canary_window", "Canaries that a gate's rates speak of.", (Label.GATE,), _judged),
    gauge(
        "gleaner_canary_drift",
        "1 when a gate's rate has changed since its version began; a false alarm in one run of a hundred at most.",
        (Label.GATE, Label.RATE),
        _drift,
    ),
)
