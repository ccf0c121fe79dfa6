"""Writes what a file holds as Markdown: headings, paragraphs, lists, tables and code, each in a block of its own.

Law: the words are the file's; only white space and the signs of Markdown are ours. A digit that is raised in the file
is not written into the number before it: 10⁵ is `10^5`, never 105.
"""

import re

from actors.corpus.extract.answers import oversized
from schemas.corpus import Places

_BLANK = re.compile(r"[ \t\n\r\f\v]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[\ud800-\udfff]")
_RAISED = re.compile(r"[+\-−–]?\w{1,3}")
_DEEPEST_LIST = 8
MOST_CELLS = 200_000
"""Of one table, those counted that fill short rows up. A table of Markdown is as wide as its longest row: without a
bound a small file unfolds to any size."""


def inline(text: str) -> str:
    """Words in one line, without control characters."""
    return _BLANK.sub(" ", _CONTROLS.sub("", text)).strip(" ")


def plain(text: str) -> str:
    """Lines as they stand, without control characters and without white space at their ends."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def raised(before: str, text: str) -> str:
    """A raised text behind `before`: with `^` where it would run into a word or number, and is short."""
    joined = before[-1:].isalnum() or before[-1:] in (")", "]")
    return f"^{text}" if joined and _RAISED.fullmatch(text.strip()) else text


class TableRows:
    """The rows of a table in the making. Raises NoText when it has too many cells."""

    def __init__(self) -> None:
        self.rows: list[list[list[str]]] = []
        """Of each cell its texts."""
        self._cells = 0

    def begin(self) -> None:
        """A new row, still without cells."""
        self.rows.append([])

    def cell(self, *texts: str) -> None:
        """A new cell in the last row."""
        self._cells += 1
        _check_cells(self._cells)
        self.rows[-1].append([*texts])

    @property
    def last(self) -> list[str] | None:
        """The texts of the last row's last cell; None when that row has none."""
        return self.rows[-1][-1] if self.rows and self.rows[-1] else None


def _check_cells(cells: int) -> None:
    if cells > MOST_CELLS:
        raise oversized(f"a table of more than {MOST_CELLS:,} cells")


class Writing:
    """A text in the making. Raises NoText when it grows over its limit."""

    def __init__(self, unit: str, most_characters: int) -> None:
        """`unit`: what the numbers of blocks count, in a word."""
        self._unit = unit
        self._most = most_characters
        self._blocks: list[str] = []
        self._length = 0
        self._starts: list[int] = []
        self._numbers: list[int] = []

    def heading(self, number: int, level: int, text: str) -> None:
        """A heading of level 1 to 6."""
        line = inline(text)
        self._add(number, f"{'#' * min(max(level, 1), 6)} {line}" if line else "")

    def paragraph(self, number: int, text: str) -> None:
        """A paragraph. Line ends in it that are meant stay."""
        lines = (inline(line) for line in text.split("\n"))
        self._add(number, "\n".join(line for line in lines if line))

    def item(self, number: int, text: str, *, depth: int = 0, mark: str = "-") -> None:
        """An item of a list, `depth` levels inside others."""
        lines = [line for each in text.split("\n") if (line := inline(each))]
        indent = "  " * min(max(depth, 0), _DEEPEST_LIST)
        joined = f"\n{indent}{' ' * (len(mark) + 1)}".join(lines)
        self._add(number, f"{indent}{mark} {joined}" if lines else "", tight=True)

    def code(self, number: int, text: str) -> None:
        """Lines that keep their white space, in a fence that they do not hold."""
        held = plain(text)
        longest = max((len(run) for run in re.findall(r"`{3,}", held)), default=2)
        fence = "`" * (longest + 1)
        self._add(number, f"{fence}\n{held}\n{fence}" if held.strip() else "")

    def table(self, number: int, table: TableRows) -> None:
        """A table, its first row as the head."""
        cells = [[inline(" ".join(texts)).replace("|", "\\|") for texts in row] for row in table.rows]
        kept = [row for row in cells if any(row)]
        if not kept:
            return
        width = max(map(len, kept))
        _check_cells(width * len(kept))
        lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in kept]
        lines.insert(1, f"|{' --- |' * width}")
        self._add(number, "\n".join(lines))

    def text(self) -> str:
        """All blocks, with an empty line between two that are not items of one list."""
        return "".join(self._blocks)

    def places(self) -> Places:
        """Where each numbered part begins."""
        return Places(self._unit, tuple(self._starts), tuple(self._numbers))

    def _add(self, number: int, block: str, *, tight: bool = False) -> None:
        if not block:
            return
        gap = "" if not self._blocks else "\n" if tight and self._is_list else "\n\n"
        self._is_list = tight
        if not self._numbers or number > self._numbers[-1]:
            self._starts.append(self._length + len(gap))
            self._numbers.append(number)
        self._blocks.append(gap + block)
        self._length += len(gap) + len(block)
        if self._length > self._most:
            raise oversized(f"its text is larger than corpus.max_document_bytes ({self._most:,})")

    _is_list = False
