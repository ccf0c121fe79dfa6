"""The page's tables about probes: what they say of the gates, the diagnoser and the repairs."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup
from msgspec import Struct

from actors.counts.rates import share
from actors.report.intervals import interval_figure, interval_words
from actors.report.words import count, drift_words, percent, spoken
from schemas.gate_audit import Rate
from schemas.probes import FlawProbes, ProbedGate, ProbeEnd, Probes


class RateCell(Struct, frozen=True):
    """A rate with its interval, in words and as a figure."""

    value: str
    interval: str
    of: str
    picture: Markup


class GateRow(Struct, frozen=True):
    """One version of one gate, measured over its last probes."""

    gate: str
    version: str
    present: bool
    judged: int
    recall: RateCell
    good_passed: RateCell
    precision: str
    flaws: str


class FlawRow(Struct, frozen=True):
    """Bad probes with one flaw. `by`: how many each gate caught. `repaired`: the repairs' results for the caught
    ones."""

    flaw: str
    recall: RateCell
    by: str
    errored: int
    repaired: str


class DiagnosisCell(Struct, frozen=True):
    """How many probes of the flaw were diagnosed as the column's mode."""

    probes: int
    right: bool


class DiagnosisRow(Struct, frozen=True):
    """One flaw. `rate`: the share of its diagnoses that are right."""

    flaw: str
    cells: tuple[DiagnosisCell, ...]
    rate: str


class Confusion(Struct, frozen=True):
    """The diagnoses of bad probes, and the share of all diagnoses that are right."""

    modes: tuple[str, ...]
    rows: tuple[DiagnosisRow, ...]
    rate: str
    interval: str


class ProbeSection(Struct, frozen=True):
    """The whole section. `counted`: how probes ended. `changes`: the gates' changes that were flagged."""

    issued: int
    counted: str
    gates: tuple[GateRow, ...]
    flaws: tuple[FlawRow, ...]
    changes: tuple[str, ...]
    confusion: Confusion | None


def probe_section(probes: Probes) -> ProbeSection | None:
    """The section; None for a run without probes."""
    if not probes.issued:
        return None
    return ProbeSection(
        issued=probes.issued,
        counted=_counted(probes),
        gates=tuple(_gate_row(gate) for gate in probes.gates),
        flaws=tuple(_flaw_row(each) for each in probes.flaws),
        changes=tuple(f"{spoken(gate.gate)}: {drift_words(drift)}" for gate, drift in probes.drifting),
        confusion=confusion_of(probes.flaws),
    )


def confusion_of(flaws: Sequence[FlawProbes]) -> Confusion | None:
    """The table of diagnoses; None when no bad probe was diagnosed."""
    found = [each for each in flaws if each.diagnoses]
    if not found:
        return None
    modes = sorted({diagnosis.mode for each in found for diagnosis in each.diagnoses})
    rows: list[DiagnosisRow] = []
    for each in found:
        counted = {diagnosis.mode: DiagnosisCell(diagnosis.probes, diagnosis.right) for diagnosis in each.diagnoses}
        cells = tuple(counted.get(mode, DiagnosisCell(0, right=False)) for mode in modes)
        rows.append(DiagnosisRow(_name(each), cells, percent(share(*_right(cells)))))
    right, diagnosed = _right([cell for row in rows for cell in row.cells])
    rate, interval = percent(share(right, diagnosed)), interval_words(right, diagnosed)
    return Confusion(tuple(map(spoken, modes)), tuple(rows), rate, interval)


def _right(cells: Sequence[DiagnosisCell]) -> tuple[int, int]:
    return sum(cell.probes for cell in cells if cell.right), sum(cell.probes for cell in cells)


def _counted(probes: Probes) -> str:
    parts = [f"{count(each.probes)} {_ENDS[each.end]}" for each in probes.ends]
    return ", ".join([*parts, f"{count(probes.outstanding)} outstanding"] if probes.outstanding else parts)


_ENDS = {
    ProbeEnd.JUDGED: "were judged",
    ProbeEnd.ERRORED: "could not be judged",
    ProbeEnd.UNVERIFIED: "were not as labelled and not shown to a gate",
    ProbeEnd.BUDGET: "were left when the budget was spent",
    ProbeEnd.FAILED: "failed inside",
}


def _gate_row(gate: ProbedGate) -> GateRow:
    return GateRow(
        gate=spoken(gate.gate),
        version=gate.version,
        present=gate.last,
        judged=gate.judged,
        recall=_cell(gate.window.recall),
        good_passed=_cell(gate.window.good_passed),
        precision=percent(gate.window.precision.value),
        flaws=", ".join(_recalls(gate)),
    )


def _recalls(gate: ProbedGate) -> Iterator[str]:
    for each in gate.flaws:
        name = "unsaid" if each.flaw is None else spoken(each.flaw.value)
        words = f"{name} {count(each.recent.successes)} / {count(each.recent.trials)}"
        yield words if each.expected else f"({words})"


def _flaw_row(each: FlawProbes) -> FlawRow:
    ends = (
        (each.healed, "healed"),
        (each.still_bad, "accepted, still bad"),
        (each.unknown, "accepted, unknown"),
        (each.given_up, "given up"),
    )
    return FlawRow(
        flaw=_name(each),
        recall=_rate_cell(each.caught, each.caught + each.missed),
        by=", ".join(f"{spoken(by.gate)} {count(by.caught)} ({count(by.alone)} alone)" for by in each.by_gate),
        errored=each.errored,
        repaired=", ".join(f"{count(number)} {what}" for number, what in ends if number),
    )


def _name(each: FlawProbes) -> str:
    return "unsaid" if each.flaw is None else spoken(each.flaw.value)


def _cell(rate: Rate) -> RateCell:
    return _rate_cell(rate.successes, rate.trials)


def _rate_cell(successes: int, trials: int) -> RateCell:
    return RateCell(
        value=percent(share(successes, trials)),
        interval=interval_words(successes, trials),
        of=f"{count(successes)} / {count(trials)}",
        picture=interval_figure(successes, trials),
    )
