"""What canaries say of the gates, as `gleaner status` shows it. Pure."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from actors.report.words import drift_words
from deployments.terminal.parts import DIM, WARN, columns
from schemas.canaries import Canaries, CanaryEnd, GateCanaries
from schemas.gate_audit import Rate


def canaries_view(canaries: Canaries) -> RenderableType | None:
    """Counts, rates of every version of every gate, recall by flaw, and what has changed. None without canaries."""
    if not canaries.issued:
        return None
    parts: list[RenderableType] = [Text(_counted(canaries))]
    if canaries.gates:
        parts += [Text(), _rates(canaries.gates), Text(), _flaws(canaries.gates)]
    parts += [Text(f"{gate.gate} has changed: {drift_words(drift)}", style=WARN) for gate, drift in canaries.drifting]
    return Group(*parts)


def _counted(canaries: Canaries) -> str:
    ends = [f"{each.canaries:,} {each.end.value}" for each in canaries.ends if each.end is not CanaryEnd.JUDGED]
    judged = sum(each.canaries for each in canaries.ends if each.end is CanaryEnd.JUDGED)
    ends += [f"{canaries.outstanding:,} outstanding"] if canaries.outstanding else []
    told = f"canaries: {canaries.issued:,} sent, {judged:,} judged"
    return ", ".join([told, *ends])


def _rates(gates: tuple[GateCanaries, ...]) -> RenderableType:
    table = columns("canaries at", "the last", "bad caught", "good passed", "precision", first_width=13)
    for gate in gates:
        rates, name = gate.window, Text(gate.gate, style="default" if gate.last else DIM)
        precision = "–" if rates.precision.value is None else f"{rates.precision.value:.1%}"
        table.add_row(name, f"{gate.in_window:,}", _cell(rates.recall), _cell(rates.good_passed), precision)
    return table


def _flaws(gates: tuple[GateCanaries, ...]) -> RenderableType:
    table = columns("", first_width=13)
    table.add_column("version, and of the last bad ones caught by flaw (in brackets: not its to see)", overflow="fold")
    for gate in gates:
        style = "default" if gate.last else DIM
        table.add_row(Text(gate.gate, style=style), Text(", ".join([gate.version, *_by_flaw(gate)]), style=style))
    return table


def _by_flaw(gate: GateCanaries) -> Iterator[str]:
    for each in gate.kinds:
        name = "unsaid" if each.kind is None else each.kind.value
        told = f"{name} {each.recent.successes:,} of {each.recent.trials:,}"
        yield told if each.expected else f"({told})"


def _cell(rate: Rate) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return "–"
    return f"{rate.value:.1%} ({100 * rate.low:.0f}–{100 * rate.high:.0f}%)"
