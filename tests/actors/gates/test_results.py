"""When two results agree. What may differ is named here; all else is a disagreement."""

import pytest

from actors.gates.results import answered, difference, is_empty
from schemas.queries import Answered, QueryRow

PLAIN, ORDERED = "select a from t", "select a from t order by a"


def result(query: str, *rows: QueryRow) -> Answered:
    return answered(query, [f"c{at}" for at in range(len(rows[0]) if rows else 1)], rows, ())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([(1, "x"), (2, "y")], [(2, "y"), (1, "x")]),
        ([(1.0, None)], [(1, None)]),
        ([(0.1 + 0.2,)], [(0.3,)]),
        ([(1,), (1,)], [(1,), (1,)]),
        ([], []),
    ],
)
def test_what_agrees(first: list[QueryRow], second: list[QueryRow]) -> None:
    """Rows in any order, a whole number as a float, the last digits of a sum; and their digests say so."""
    one, other = result(PLAIN, *first), result(PLAIN, *second)
    assert difference(PLAIN, one, PLAIN, other) is None
    assert one.digest == other.digest


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ([(1,), (1,)], [(1,)], "it gives 2 rows, and the second query 1 row"),
        ([(1,), (1,), (2,)], [(1,), (2,), (2,)], "the rows differ from those of the second query"),
        ([(1, 2)], [(1,)], "it gives 2 columns, and the second query 1 column"),
        ([("1",)], [(1,)], "the rows differ from those of the second query"),
        ([("a",)], [("A",)], "the rows differ from those of the second query"),
        ([(None,)], [(0,)], "the rows differ from those of the second query"),
        ([(1, 2)], [(2, 1)], "the rows differ from those of the second query"),
    ],
)
def test_what_disagrees(first: list[QueryRow], second: list[QueryRow], says: str) -> None:
    one, other = result(PLAIN, *first), result(PLAIN, *second)
    assert difference(PLAIN, one, PLAIN, other) == says
    assert one.digest != other.digest


def test_an_order_counts_where_the_second_query_says_one() -> None:
    """It was asked with the question alone. One row has no order, and an order of the first query's own is no fault."""
    up: list[QueryRow] = [(1,), (2,)]
    down = up[::-1]

    def differs(query: str, rows: list[QueryRow], second: str, others: list[QueryRow]) -> str | None:
        return difference(query, result(query, *rows), second, result(second, *others))

    assert differs(ORDERED, up, ORDERED, up) is None
    assert differs(ORDERED, up, PLAIN, down) is None
    assert differs(PLAIN, up, ORDERED, up) == "the second query orders its rows, and it does not"
    assert differs(ORDERED, up, ORDERED, down) == "the rows or their order differ from those of the second query"
    assert differs(PLAIN, up[:1], ORDERED, up[:1]) is None
    assert result(ORDERED, *up).digest != result(ORDERED, *down).digest


def test_a_result_without_a_value_is_empty() -> None:
    """The largest of no rows is one row of NULL."""
    assert is_empty(result(PLAIN)) and is_empty(result(PLAIN, (None, None)))
    assert not is_empty(result(PLAIN, (None, 0))) and not is_empty(result(PLAIN, ("",)))
