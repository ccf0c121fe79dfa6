"""What is read of SQL without running it."""

import pytest

from actors.text.sql import definitions, is_ordered, line_of, query_in, reads_clock, statements

SCRIPT = """-- CREATE TABLE gone (x);
CREATE TABLE IF NOT EXISTS "Two Words" (a TEXT DEFAULT 'x;y');
create temp view main.v as select 1; /* ; */
INSERT INTO "Two Words" VALUES ('CREATE TABLE no (z);');
CREATE TRIGGER t AFTER INSERT ON "Two Words" BEGIN DELETE FROM "Two Words"; SELECT 1; END;
CREATE INDEX i ON "Two Words" (a);
CREATE TABLE last (b)"""


def test_a_definition_is_an_exact_slice_of_the_script() -> None:
    """Names in any quotes, comments and texts that look like statements, a trigger's own semicolons."""
    found = {name: SCRIPT[start:end] for name, (start, end) in definitions(SCRIPT).items()}
    assert found == {
        "two words": """CREATE TABLE IF NOT EXISTS "Two Words" (a TEXT DEFAULT 'x;y')""",
        "v": "create temp view main.v as select 1",
        "last": "CREATE TABLE last (b)",
    }
    assert sum(1 for _ in statements(SCRIPT)) == 6


@pytest.mark.parametrize("script", ["", ";;", "'", '"open', "CREATE TABLE", "create table if not exists", "/* open"])
def test_half_a_script_defines_nothing(script: str) -> None:
    assert definitions(script) == {}


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("select a from t order by a", True),
        ("select a from (select a from t order by a) limit 3", False),
        ("select 'order by' from t", False),
        ("select rank() over (order by a) from t\nORDER\nBY 1", True),
        ('select "order" from t -- order by', False),
    ],
)
def test_only_an_order_outside_brackets_orders_a_result(query: str, ordered: bool) -> None:
    assert is_ordered(query) is ordered


@pytest.mark.parametrize(
    ("query", "clock"),
    [
        ("select date('now')", True),
        ("select date()", True),
        ("select strftime('%Y', 'NOW', '-1 day')", True),
        ("select date(made) from t where said = 'later'", False),
        ("select 'now', date from t", False),
    ],
)
def test_what_depends_on_the_clock(query: str, clock: bool) -> None:
    assert reads_clock(query) is clock


@pytest.mark.parametrize(
    ("said", "query"),
    [
        ("SELECT 1;", "SELECT 1"),
        ("Here:\n```sql\nWITH a AS (SELECT 1)\nTABLE a; ;\n```\nIt counts.", "WITH a AS (SELECT 1)\nTABLE a"),
        ("-- how many\nselect 1", "-- how many\nselect 1"),
        ("Select the first.", "Select the first."),
        ("I cannot answer that.", None),
        ("DELETE FROM t", None),
        ("", None),
        ("```sql\nSELECT 1", None),
    ],
)
def test_the_query_of_a_reply(said: str, query: str | None) -> None:
    """A word of English that is one of SQL's too is left to SQLite."""
    assert query_in(said) == query


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("no such column: t.nam", 2),
        ("ambiguous column name: ID", 3),
        ("no such function: nam", 2),
        ("no such table: elsewhere", None),
        ("interrupted", None),
    ],
)
def test_the_line_of_a_wrong_name(message: str, line: int | None) -> None:
    assert line_of("select\n t.nam,\n id\nfrom t", message) == line
