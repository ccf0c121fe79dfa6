"""What probes say of the gates, the diagnoser and the repairs, as `gleaner status` shows it. Pure."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from actors.report.words import drift_words
from deployments.terminal.parts import DIM, GOOD, WARN, columns
from deployments.terminal.words import percent
from schemas.flaws import FlawKind
from schemas.gate_audit import Rate
from schemas.probes import FlawProbes, ProbedGate, ProbeEnd, Probes


def probes_view(probes: Probes) -> RenderableType | None:
    """Counts, rates of every version of every gate, what became of each flaw, and what has changed. None without
    probes."""
    if not probes.issued:
        return None
    parts: list[RenderableType] = [Text(_counted(probes))]
    if probes.gates:
        parts += [Text(), _rates(probes.gates), Text(), _versions(probes.gates)]
    if probes.flaws:
        parts += [Text(), _flaws(probes.flaws)]
    parts += [Text(f"{gate.gate} has changed: {drift_words(drift)}", style=WARN) for gate, drift in probes.drifting]
    return Group(*parts)


def _counted(probes: Probes) -> str:
    ends = [f"{each.probes:,} {each.end.value}" for each in probes.ends if each.end is not ProbeEnd.JUDGED]
    judged = sum(each.probes for each in probes.ends if each.end is ProbeEnd.JUDGED)
    ends += [f"{probes.outstanding:,} outstanding"] if probes.outstanding else []
    told = f"probes: {probes.issued:,} sent, {judged:,} judged"
    return ", ".join([told, *ends])


def _rates(gates: tuple[ProbedGate, ...]) -> RenderableType:
    table = columns("probes at", "the last", "bad caught", "good passed", "precision", first_width=13)
    for gate in gates:
        rates, name = gate.window, Text(gate.gate, style="default" if gate.last else DIM)
        precision = "–" if rates.precision.value is None else f"{rates.precision.value:.1%}"
        table.add_row(name, f"{gate.in_window:,}", _cell(rates.recall), _cell(rates.good_passed), precision)
    return table


def _versions(gates: tuple[ProbedGate, ...]) -> RenderableType:
    table = columns("", first_width=13)
    table.add_column("version, and of the last bad ones caught by flaw (in brackets: not its to see)", overflow="fold")
    for gate in gates:
        style = "default" if gate.last else DIM
        table.add_row(Text(gate.gate, style=style), Text(", ".join([gate.version, *_by_flaw(gate)]), style=style))
    return table


def _by_flaw(gate: ProbedGate) -> Iterator[str]:
    for each in gate.flaws:
        told = f"{_name(each.flaw)} {each.recent.successes:,} of {each.recent.trials:,}"
        yield told if each.expected else f"({told})"


def _flaws(flaws: tuple[FlawProbes, ...]) -> RenderableType:
    """All gates together: caught at first, diagnosed as (what is right stands out), and what repairs made of them."""
    table = columns("flaw", "caught", first_width=19)
    for column in ("diagnosed as", "after repairs"):
        table.add_column(column, overflow="fold")
    for each in flaws:
        caught = percent(each.caught, each.caught + each.missed)
        table.add_row(_name(each.flaw), caught, _diagnosed(each), ", ".join(_repaired(each)))
    return table


def _diagnosed(each: FlawProbes) -> Text:
    found = sorted(each.diagnoses, key=lambda diagnosis: (-diagnosis.probes, diagnosis.mode))
    return Text(", ").join(Text(f"{one.mode} {one.probes:,}", style=GOOD if one.right else "") for one in found)


def _repaired(each: FlawProbes) -> Iterator[str]:
    ends = (
        (each.healed, "healed"),
        (each.still_bad, "still bad"),
        (each.unknown, "unknown"),
        (each.given_up, "given up"),
    )
    return (f"{number:,} {what}" for number, what in ends if number)


def _name(flaw: FlawKind | None) -> str:
    return "unsaid" if flaw is None else flaw.value


def _cell(rate: Rate) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return "–"
    return f"{rate.value:.1%} ({100 * rate.low:.0f}–{100 * rate.high:.0f}%)"
