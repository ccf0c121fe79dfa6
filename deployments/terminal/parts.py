"""Building blocks that the board and the summary share: the bar of ends, and quiet tables."""

from collections.abc import Sequence

from msgspec import Struct
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

GOOD, BAD, WARN, DIM = "green", "red", "yellow", "bright_black"
HEAVY = "━"
LIGHT = "─"


class Ends(Struct, frozen=True):
    """How the orders issued so far stand."""

    accepted: int
    dead_lettered: int
    issued: int


class Bar:
    """Accepted, dead-lettered and outstanding as one line over the whole width."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        accepted, dead = cells((self._ends.accepted, self._ends.dead_lettered), self._ends.issued, width=width)
        yield Segment(HEAVY * accepted, Style.parse(GOOD))
        yield Segment(HEAVY * dead, Style.parse(BAD))
        yield Segment(LIGHT * (width - accepted - dead), Style.parse(DIM))
        yield Segment.line()


def cells(parts: Sequence[int], whole: int, *, width: int) -> list[int]:
    """Cells of a bar for each part. The bar is full only when the parts are the whole."""
    if whole <= 0 or width <= 0:
        return [0 for _ in parts]
    edges = [min(width, round(width * sum(parts[: index + 1]) / whole)) for index in range(len(parts))]
    if sum(parts) < whole:
        edges = [min(edge, width - 1) for edge in edges]
    return [edge - before for before, edge in zip([0, *edges], edges, strict=False)]


def facts(*rows: tuple[str, Text | str]) -> Table:
    """Names on the left, quiet; what they are on the right."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style=DIM, min_width=9, no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def columns(*names: str, first_width: int = 14) -> Table:
    """A table without lines: the first column text, all others numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=DIM)
    table.add_column(names[0], min_width=first_width, no_wrap=True)
    for name in names[1:]:
        table.add_column(name, justify="right", no_wrap=True, min_width=9)
    return table
