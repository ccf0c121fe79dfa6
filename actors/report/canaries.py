"""What labelled samples in the stream say of the gates, as the page shows it."""

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

from actors.report.intervals import interval_figure, interval_words
from actors.report.words import count, drift_words, percent, spoken
from schemas.canaries import Canaries, CanaryEnd, GateCanaries
from schemas.gate_audit import Rate


class RateCell(Struct, frozen=True):
    """A rate with its interval, in words and as a picture."""

    value: str
    interval: str
    of: str
    picture: Markup


class GateRow(Struct, frozen=True):
    """One version of one gate, over its last canaries."""

    gate: str
    version: str
    present: bool
    judged: int
    recent: int
    recall: RateCell
    good_passed: RateCell
    precision: str
    flaws: str


class CanarySection(Struct, frozen=True):
    """The whole section. `counted`: how canaries ended; `changes`: what was flagged."""

    issued: int
    counted: str
    rows: tuple[GateRow, ...]
    changes: tuple[str, ...]


def canary_section(canaries: Canaries) -> CanarySection | None:
    """None for a run without canaries."""
    if not canaries.issued:
        return None
    return CanarySection(
        issued=canaries.issued,
        counted=_counted(canaries),
        rows=tuple(_row(gate) for gate in canaries.gates),
        changes=tuple(f"{spoken(gate.gate)}: {drift_words(drift)}" for gate, drift in canaries.drifting),
    )


def _counted(canaries: Canaries) -> str:
    parts = [f"{count(each.canaries)} {_ENDS[each.end]}" for each in canaries.ends]
    return ", ".join([*parts, f"{count(canaries.outstanding)} outstanding"] if canaries.outstanding else parts)


_ENDS = {
    CanaryEnd.JUDGED: "were judged",
    CanaryEnd.ERRORED: "could not be judged",
    CanaryEnd.UNVERIFIED: "were not as labelled and not shown to a gate",
    CanaryEnd.BUDGET: "were left when the budget was spent",
    CanaryEnd.FAILED: "failed inside",
}


def _row(gate: GateCanaries) -> GateRow:
    return GateRow(
        gate=spoken(gate.gate),
        version=gate.version,
        present=gate.last,
        judged=gate.judged,
        recent=gate.in_window,
        recall=_cell(gate.window.recall),
        good_passed=_cell(gate.window.good_passed),
        precision=percent(gate.window.precision.value),
        flaws=", ".join(_flaws(gate)),
    )


def _flaws(gate: GateCanaries) -> Sequence[str]:
    told = []
    for each in gate.kinds:
        name = "unsaid" if each.kind is None else spoken(each.kind.value)
        words = f"{name} {count(each.recent.successes)} / {count(each.recent.trials)}"
        told.append(words if each.expected else f"({words})")
    return told


def _cell(rate: Rate) -> RateCell:
    return RateCell(
        value=percent(rate.value),
        interval=interval_words(rate.successes, rate.trials),
        of=f"{count(rate.successes)} / {count(rate.trials)}",
        picture=interval_figure(rate.successes, rate.trials),
    )
