"""Building blocks that the board and the summary share: the bar of ends, and quiet tables."""

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from schemas.progress import Counts

GOOD, BAD, WARN, DIM = "green", "red", "yellow", "bright_black"
HEAVY = "━"
LIGHT = "─"
UNBOUNDED = 10_000
"""Cells of a screen that holds every line."""


class Bar:
    """Accepted, dead-lettered and outstanding as one line over the whole width."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        accepted, dead = cells((self._counts.accepted, self._counts.dead_lettered), self._counts.needed, width=width)
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


class Rows(Table):
    """A table without lines that cuts nothing. Where the screen is too narrow texts take more lines; where what must
    stay on one line does not fit even so, each row is written below itself, one cell a line."""

    def __init__(self, *, headed: bool) -> None:
        super().__init__(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=headed, header_style=DIM)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._width(console, options) > options.max_width:
            if self.show_header:
                yield from self._below_each_other()
                return
            for column in self.columns:
                column.min_width, column.overflow = None, "fold"
        yield from super().__rich_console__(console, options)

    def _width(self, console: Console, options: ConsoleOptions) -> int:
        """Cells that it takes at least: whole cells of the columns that do not wrap, the longest words of others."""
        unbounded = options.update(max_width=UNBOUNDED)
        widths = []
        for column in self.columns:
            sizes = [Measurement.get(console, unbounded, cell) for cell in (column.header, *column.cells)]
            most = max(size.maximum if column.no_wrap else size.minimum for size in sizes)
            widths.append(max(most, column.min_width or 0))
        return sum(widths) + 2 * (len(widths) - 1)

    def _below_each_other(self) -> RenderResult:
        first, *others = self.columns
        for number, name in enumerate(first.cells):
            yield name
            for column in others:
                cells = list(column.cells)
                if number < len(cells) and cells[number] != "":
                    yield Padding(facts((str(column.header), cells[number])), (0, 0, 0, 2))  # type: ignore[arg-type]


def grid() -> Rows:
    """A table without a head; its columns are still to be added."""
    return Rows(headed=False)


def facts(*rows: tuple[str, Text | str]) -> Rows:
    """Names on the left, quiet; what they are on the right."""
    table = grid()
    table.add_column(style=DIM, min_width=9)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def columns(*names: str, first_width: int = 14, width: int = 9) -> Rows:
    """A table with a head: the first column text, all others numbers; columns are at least so wide."""
    table = Rows(headed=True)
    table.add_column(names[0], min_width=first_width, no_wrap=True)
    for name in names[1:]:
        table.add_column(name, justify="right", no_wrap=True, min_width=width)
    return table
