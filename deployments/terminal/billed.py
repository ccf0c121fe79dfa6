"""What a run held and what it cost, in a few lines. Pure: a summary and its bill in, a view out."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from actors.counts.bill import per_accelerator_hour
from deployments.terminal.parts import WARN, facts
from deployments.terminal.words import number, percent, spoken
from schemas.bill import Accelerator, Bill
from schemas.progress import Summary

NAMES = {Accelerator.GPU: "GPU", Accelerator.CPU: "CPU"}


def bill_view(summary: Summary, bill: Bill | None) -> RenderableType | None:
    """None where nothing was metered and nothing has a price."""
    rows = [*_held(summary), *(_cost(bill) if bill is not None else ())]
    return facts(*rows) if rows else None


def _held(summary: Summary) -> Iterator[tuple[str, str]]:
    hourly = per_accelerator_hour(summary)
    if hourly is None:
        return
    accelerator, samples, tokens = hourly
    name = NAMES[accelerator]
    held, busy = sum(row.held_s for row in summary.held), sum(row.busy_s for row in summary.held)
    each = ", ".join(f"{row.role} {spoken(row.held_s)} ({percent(row.busy_s, row.held_s)})" for row in summary.held)
    yield f"{name} time", f"{spoken(held)} held, {percent(busy, held)} of it busy: {each}"
    yield f"a {name}-hour", f"{number(samples)} accepted samples, {number(tokens)} tokens"


def _cost(bill: Bill) -> Iterator[tuple[str, Text | str]]:
    each = ", ".join(f"{role.role} {number(role.cost)}" for role in bill.roles)
    sample = "" if bill.accepted is None else f" · {number(bill.accepted)} for each accepted sample"
    yield "cost", f"{number(bill.cost)}{sample}: {each}"
    if bill.ends:
        yield "", ", ".join(f"{end.end.value} attempts {number(end.cost)}" for end in bill.ends)
    if bill.unpriced:
        yield "", Text(f"without a price: {', '.join(bill.unpriced)}", style=WARN)
