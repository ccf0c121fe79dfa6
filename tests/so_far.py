"""How far a run in another process has come: its ledger is counted, not read."""

import sqlite3
from contextlib import closing
from pathlib import Path

ACCEPTED, DEAD_LETTERED = "accepted", "dead_lettered"


def ended(output: Path, *kinds: str) -> int:
    """Ends of these kinds (all, if none is named) in the ledgers of a folder; 0 before they have tables."""
    asked = kinds or (ACCEPTED, DEAD_LETTERED)
    return sum(_count(path, asked) for path in output.glob("ledger*.sqlite"))


def _count(ledger: Path, kinds: tuple[str, ...]) -> int:
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database:
        try:
            places = ", ".join("?" * len(kinds))
            return database.execute(f"SELECT count(*) FROM records WHERE kind IN ({places})", kinds).fetchone()[0]
        except sqlite3.OperationalError:  # not yet made
            return 0
