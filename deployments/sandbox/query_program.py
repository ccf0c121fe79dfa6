"""The program that executes one query: it runs inside a sandbox, with the standard library alone.

Law: the script makes the database, and may do anything in it; the query only reads. What it writes is one line when the
script is through, then one line of JSON, which `deployments.sandbox.queries` reads.
"""

import json
import math
import sqlite3
import sys
import time
from typing import Any

BUILT = "built"
STEPS = 1_000
"""Of SQLite's machine between two looks at the clock."""
UNREPEATABLE = {
    "random", "randomblob", "current_date", "current_time", "current_timestamp", "changes", "total_changes",
    "last_insert_rowid", "load_extension",
}  # fmt: skip
READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_FUNCTION}
"""Actions that a query may take; `SQLITE_FUNCTION` but for some."""


class ReadOnly:
    """An authorizer of SQLite's: notes the tables that are read, and what was refused."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.refused: str | None = None

    def __call__(
        self, action: int, first: str | None, second: str | None, database: str | None, trigger: str | None
    ) -> int:
        if action == sqlite3.SQLITE_READ and first:
            self.tables.add(first.lower())
        if action not in READS or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in UNREPEATABLE):
            self.refused = self.refused or second or first or "a statement that changes something"
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK


def limited(database: sqlite3.Connection, cpu_s: float) -> None:
    """Interrupts what runs once it has taken its time."""
    until = time.process_time() + cpu_s
    database.set_progress_handler(lambda: time.process_time() > until, STEPS)


def executed(database: sqlite3.Connection, query: str, rows: int) -> dict[str, Any]:
    """The outcome of the query."""
    may = ReadOnly()
    database.set_authorizer(may)
    try:
        cursor = database.execute(query)
        if cursor.description is None:
            return {"error": "incomplete input", "line": None, "refused": None}
        found = cursor.fetchmany(rows + 1)
    except MemoryError:
        return {"error": "out of memory", "line": None, "refused": None}
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        line = None if may.refused else failing_line(database, query, str(error))
        return {"error": str(error), "line": line, "refused": may.refused}
    columns = [column[0] for column in cursor.description]
    return {"columns": columns, "rows": [[cell(each) for each in row] for row in found], "reads": sorted(may.tables)}


def failing_line(database: sqlite3.Connection, query: str, message: str) -> int | None:
    """The first line with which the query fails in these words; SQLite reads it from its beginning."""
    if "syntax error" not in message and "unrecognized token" not in message:
        return None
    lines = query.split("\n")
    for number in range(1, len(lines) + 1):
        try:
            database.execute("EXPLAIN " + "\n".join(lines[:number]))
        except (sqlite3.Error, sqlite3.Warning) as error:
            if str(error) == message:
                return number
    return None


def cell(value: Any) -> Any:
    """A value as JSON has it. A blob is told by its type."""
    if isinstance(value, bytes):
        return {"blob": len(value)}
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


def main() -> None:
    """From stdin to stdout."""
    given = json.load(sys.stdin)
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.text_factory = lambda text: text.decode(errors="replace")
    limited(database, given["cpu_s"])
    try:
        database.executescript(given["script"])
    except (sqlite3.Error, sqlite3.Warning, ValueError, MemoryError) as error:
        sys.stdout.write(json.dumps({"script": str(error) or "out of memory"}))
        return
    sys.stdout.write(f"{BUILT}\n")
    sys.stdout.flush()
    limited(database, given["cpu_s"])
    sys.stdout.write(json.dumps(executed(database, given["query"], given["rows"])))


if __name__ == "__main__":
    main()
