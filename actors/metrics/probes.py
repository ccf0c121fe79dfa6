"""Metrics of probes.

Law: rates are those of the present version of each gate, over its last probes; an unknown rate is NaN, never 0.
"""

import math
from collections.abc import Callable, Iterator, Sequence

from actors.metrics.metric import BOUNDS, CAUGHT, HEALED, UNSAID, Label, Point, Seen, alone, counter, gauge
from schemas.flaws import FlawKind
from schemas.gate_audit import Rate
from schemas.probes import DriftOf, ProbedGate, ProbeEnd


def _flaws(fates: Sequence[str]) -> Callable[[Seen], Iterator[Point]]:
    def read(seen: Seen) -> Iterator[Point]:
        for each in seen.snapshot.summary.probes.flaws:
            for fate in fates:
                yield (_name(each.flaw), fate), getattr(each, fate)

    return read


def _caught_by(seen: Seen) -> Iterator[Point]:
    for each in seen.snapshot.summary.probes.flaws:
        for found in each.by_gate:
            if found.gate in seen.run.checks:
                yield (_name(each.flaw), found.gate), found.caught


def _ended(seen: Seen) -> Iterator[Point]:
    ends = {each.end: each.probes for each in seen.snapshot.summary.probes.ends}
    for end in ProbeEnd:
        yield (end.value,), ends.get(end, 0)


def _name(flaw: FlawKind | None) -> str:
    return UNSAID if flaw is None else flaw.value


def _present(seen: Seen) -> Iterator[ProbedGate]:
    return (gate for gate in seen.snapshot.summary.probes.gates if gate.last and gate.gate in seen.run.checks)


def _rates(seen: Seen) -> Iterator[Point]:
    for gate in _present(seen):
        rates = gate.window
        told = ((DriftOf.RECALL.value, rates.recall), (DriftOf.GOOD_PASSED.value, rates.good_passed))
        for name, rate in (*told, ("precision", rates.precision)):
            for bound, value in _bounds(rate):
                yield (gate.gate, name, bound), value


def _recall(seen: Seen) -> Iterator[Point]:
    for gate in _present(seen):
        for each in gate.flaws:
            for bound, value in _bounds(each.recent):
                yield (gate.gate, _name(each.flaw), bound), value


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
        "gleaner_probes_issued_total",
        "Labelled samples sent through the gates.",
        (),
        alone(lambda seen: seen.snapshot.summary.probes.issued),
    ),
    counter("gleaner_probes_ended_total", "Of these, ended, by how.", (Label.FATE,), _ended),
    counter(
        "gleaner_probes_bad_total",
        "Bad probes by what all gates together said of them at the first attempt.",
        (Label.FLAW, Label.FATE),
        _flaws(CAUGHT),
    ),
    counter(
        "gleaner_probes_caught_total",
        "Of the bad ones, rejected by a gate, alone or with others.",
        (Label.FLAW, Label.GATE),
        _caught_by,
    ),
    counter(
        "gleaner_probes_repaired_total",
        "Bad probes that were repaired, by what became of them.",
        (Label.FLAW, Label.FATE),
        _flaws(HEALED),
    ),
    gauge(
        "gleaner_probe_rate",
        "Rates of a gate's present version over its last probes, with their 95% intervals: recall of bad ones, "
        "precision of its rejections, good ones passed.",
        (Label.GATE, Label.RATE, Label.BOUND),
        _rates,
    ),
    gauge(
        "gleaner_probe_recall",
        "Recall of a gate's present version by the probes' flaw, over the last ones, with its 95% interval.",
        (Label.GATE, Label.FLAW, Label.BOUND),
        _recall,
    ),
    gauge("gleaner_probe_window", "Probes that a gate's rates speak of.", (Label.GATE,), _judged),
    gauge(
        "gleaner_probe_drift",
        "1 when a gate's rate has changed since its version began; a false alarm in one run of a hundred at most.",
        (Label.GATE, Label.RATE),
        _drift,
    ),
)
