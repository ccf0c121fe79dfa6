"""Results of queries: when one counts as empty, and when two agree. Law: nothing but values is compared: no names of
columns, and an order only where the second query says one."""

import json
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from actors.text.sql import is_ordered
from schemas.queries import Answered, Cell, QueryRow

DIGITS = 10
"""Of a number that is no whole one: sums in another order differ behind them."""
LARGEST = 2**53
"""Whole numbers up to here are the same as a float."""


def answered(query: str, columns: Sequence[str], rows: Sequence[QueryRow], reads: Sequence[str]) -> Answered:
    """The outcome of a query that gave these rows."""
    written = [written_row(row) for row in rows]
    lines = written if is_ordered(query) else sorted(written)
    digest = sha256("\n".join((str(len(columns)), *lines)).encode("utf-8", "surrogatepass")).hexdigest()
    return Answered(tuple(columns), tuple(map(tuple, rows)), len(rows), digest, tuple(sorted(reads)))


def is_empty(result: Answered) -> bool:
    """Whether a result says nothing: no row, or no value in any."""
    return all(cell is None for row in result.rows for cell in row)


def difference(query: str, result: Answered, second_query: str, second: Answered) -> str | None:
    """How two results differ, in words; None: they agree. The second query was asked for with the question alone, so
    that it orders its rows where the question asks for an order; then the first must give that order too."""
    if len(result.columns) != len(second.columns):
        return f"it gives {_columns(result)}, and the second query {_columns(second)}"
    if result.count != second.count:
        return f"it gives {_rows(result)}, and the second query {_rows(second)}"
    first_rows, second_rows = map(written_row, result.rows), map(written_row, second.rows)
    in_order = is_ordered(second_query) and result.count > 1
    if in_order and not is_ordered(query):
        return "the second query orders its rows, and it does not"
    if in_order and list(first_rows) != list(second_rows):
        return "the rows or their order differ from those of the second query"
    if not in_order and Counter(first_rows) != Counter(second_rows):
        return "the rows differ from those of the second query"
    return None


def written_row(row: QueryRow) -> str:
    """A row as it is compared."""
    return json.dumps([_plain(cell) for cell in row])


def _plain(cell: Cell) -> Cell:
    if not isinstance(cell, float):
        return cell
    rounded = float(f"{cell:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < LARGEST else rounded


def _columns(result: Answered) -> str:
    return f"{len(result.columns)} column{'s' * (len(result.columns) != 1)}"


def _rows(result: Answered) -> str:
    return f"{result.count:,} row{'s' * (result.count != 1)}"
