"""Queries executed for real: every outcome, and what no query may do."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deployments.sandbox.late import SandboxPlace
from deployments.sandbox.queries import SandboxedQueries
from schemas.errors import ErrorKind, JudgeError
from schemas.queries import Answered, ProgramModes, QueryFailed, QueryLimits
from schemas.recovery import FailureMode
from tests.deployments.sandbox.rooms import OFFERED

pytestmark = [OFFERED, pytest.mark.asyncio(loop_scope="module")]
SCRIPT = """
CREATE TABLE ship (id INTEGER PRIMARY KEY, name TEXT NOT NULL, weight REAL, home TEXT REFERENCES harbour (name));
CREATE TABLE harbour (name TEXT PRIMARY KEY, founded INTEGER);
CREATE VIEW heavy AS SELECT * FROM ship WHERE weight > 100;
INSERT INTO harbour VALUES ('Velmora', 1623), ('Osk', 1711);
INSERT INTO ship VALUES (1, 'Amber', 80.5, 'Velmora'), (2, 'Zoë', 120, 'Osk'), (3, 'Tarn', 300, NULL);
"""
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def queries() -> AsyncIterator[SandboxedQueries]:
    made = SandboxedQueries(QueryLimits(cpu_s=0.3, memory_mib=128, rows=50), SandboxPlace(workers=1))
    yield made
    await made.close()


async def test_a_query_gives_its_rows_and_says_what_it_read(queries: SandboxedQueries) -> None:
    """Values keep their types; a view counts with the table behind it; the same again is the same to the digest."""
    query = "SELECT h.name, count(s.id) AS n, avg(s.weight) FROM harbour h JOIN heavy s ON s.home = h.name GROUP BY 1"
    outcome = await queries.execute(SCRIPT, query)
    assert isinstance(outcome, Answered)
    assert (outcome.columns, outcome.rows, outcome.count) == (("name", "n", "avg(s.weight)"), (("Osk", 1, 120.0),), 1)
    assert outcome.reads == ("harbour", "heavy", "ship")
    assert outcome == await queries.execute(SCRIPT, query)


@pytest.mark.parametrize(
    ("query", "mode", "message", "line"),
    [
        ("SELECT name\nFROM ship\nWHERE WHERE id = 1", ProgramModes.SYNTAX_ERROR, 'near "WHERE": syntax error', 3),
        ("SELECT name FROM", ProgramModes.SYNTAX_ERROR, "incomplete input", None),
        ("SELECT 1; SELECT 2", ProgramModes.SYNTAX_ERROR, "You can only execute one statement at a time", None),
        ("-- nothing", ProgramModes.SYNTAX_ERROR, "incomplete input", None),
        ("SELECT\n nam FROM ship", ProgramModes.WRONG_NAME, "no such column: nam", 2),
        ("SELECT 1 FROM boat", ProgramModes.WRONG_NAME, "no such table: boat", 1),
        ("SELECT median(id) FROM ship", ProgramModes.WRONG_NAME, "no such function: median", 1),
        ("SELECT name FROM ship, harbour", ProgramModes.WRONG_NAME, "ambiguous column name: name", 1),
        ("SELECT max(sum(id)) FROM ship", ProgramModes.RUNTIME_ERROR, "misuse of aggregate", None),
        ("SELECT abs(-9223372036854775807 - 1)", ProgramModes.RUNTIME_ERROR, "integer overflow", None),
        ("SELECT x'00'", ProgramModes.RUNTIME_ERROR, "its result holds a blob", None),
        (ENDLESS.replace("max(x)", "x"), ProgramModes.RUNTIME_ERROR, "more than 50 rows", None),
        (ENDLESS, ProgramModes.TIMEOUT, "it did not end within its time", None),
        ("SELECT length(replace(hex(zeroblob(100000000)), '0', 'abc'))", ProgramModes.RUNTIME_ERROR, "memory", None),
        ("SELECT random()", ProgramModes.RUNTIME_ERROR, "not random", None),
        ("SELECT current_timestamp", ProgramModes.RUNTIME_ERROR, "not current_timestamp", None),
        ("SELECT date('now')", ProgramModes.RUNTIME_ERROR, "depends on the time", None),
        ("DELETE FROM ship", ProgramModes.RUNTIME_ERROR, "a query only reads, and not ship", None),
        ("PRAGMA table_info(ship)", ProgramModes.RUNTIME_ERROR, "a query only reads", None),
        ("ATTACH 'x.db' AS other", ProgramModes.RUNTIME_ERROR, "a query only reads", None),
        ("SELECT load_extension('x')", ProgramModes.RUNTIME_ERROR, "", None),
    ],
)
async def test_why_a_query_fails(
    queries: SandboxedQueries, query: str, mode: FailureMode, message: str, line: int | None
) -> None:
    """In SQLite's words, under the name of a mode, with the line where that is known."""
    outcome = await queries.execute(SCRIPT, query)
    assert isinstance(outcome, QueryFailed)
    assert (outcome.mode, outcome.line) == (mode, line)
    assert message in outcome.message


async def test_what_is_not_the_querys_fault_is_no_outcome(queries: SandboxedQueries) -> None:
    """A passage that makes no database, or none within the limits."""
    for script, says in (("CREATE TABL x", "syntax error"), (f"CREATE TABLE x AS {ENDLESS};", "interrupted")):
        with pytest.raises(JudgeError, match=says) as raised:
            await queries.execute(script, "SELECT 1")
        assert raised.value.kind is ErrorKind.PERMANENT
