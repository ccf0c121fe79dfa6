"""All samples of a run that have ended, to be filtered and paged: a table that records are folded into, one by one.

Law: it holds what `actors.ledger.samples` would say of each order, and no more: a sample itself is read from the
ledger. It lives in a file of SQLite's own that has no name and is gone with the process, so memory does not grow with
the run; the ledger is not asked.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from actors.ledger.samples import EndKind
from schemas.ids import OrderId, PassageId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Record, Rejoined, Reopened, Rescored
from schemas.orders import Attempt
from schemas.samples import texts_of
from schemas.verdicts import Errored

PAGE = 25
"""Samples on one page of a list."""
SEARCHED = 4_000
"""Characters of a sample that a search looks at: its texts, from the first on."""
SHOWN = 240
"""Characters of a sample in a line of the list."""
OPEN = "outstanding"
"""The end of an order that has none and has been tried."""
_TABLES = """
CREATE TABLE samples (
    number INTEGER PRIMARY KEY, order_id TEXT UNIQUE NOT NULL, at REAL NOT NULL, end TEXT NOT NULL,
    attempts INTEGER NOT NULL, mode TEXT, repair TEXT, reason TEXT, shown TEXT NOT NULL, passage_id TEXT,
    mode_before TEXT, searched TEXT NOT NULL);
CREATE INDEX samples_by_passage ON samples (passage_id);
CREATE INDEX samples_by_end ON samples (end, number);
CREATE TABLE scores (number INTEGER NOT NULL, gate TEXT NOT NULL, score REAL, PRIMARY KEY (number, gate)) WITHOUT ROWID;
"""
_COLUMNS = "order_id, at, end, attempts, mode, repair, reason, shown, passage_id"
_ENDED = f"end <> '{OPEN}'"
_NUMBER = "SELECT number FROM samples WHERE order_id = ?"
_NEW: dict[str, Any] = {
    "attempts": 0, "mode": None, "mode_before": None, "repair": None, "shown": "", "searched": "",
}  # fmt: skip
"""What an order's row holds before its first attempt."""
_ROW = ("order_id", "passage_id", "at", "end", "reason", *_NEW)
_REPLACE = f"INSERT OR REPLACE INTO samples ({', '.join(_ROW)}) VALUES ({', '.join(f':{name}' for name in _ROW)})"


class SampleFilter(Struct, frozen=True):
    """Which samples. `low` and `high` are of `gate`'s last score, both included; `text` is searched for as it is
    written, in any case."""

    end: EndKind | None = None
    mode: str | None = None
    repair: str | None = None
    gate: str | None = None
    low: float | None = None
    high: float | None = None
    text: str = ""


class IndexedSample(Struct, frozen=True):
    """One line of the list. `shown`: how the sample's texts begin."""

    order_id: OrderId
    at: float
    end: EndKind
    attempts: int
    mode: str | None
    repair: str | None
    reason: str | None
    shown: str
    passage_id: PassageId | None


class FoundSamples(Struct, frozen=True):
    """One page of what a filter lets through, the newest first, and how many there are."""

    samples: tuple[IndexedSample, ...]
    total: int


class SampleIndex:
    """Give it every record of the ledgers, each ledger's in order."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLES}")
        self._passages: dict[str, PassageId] = {}
        """Of the orders that were not tried yet."""

    def close(self) -> None:
        """Its file is gone."""
        self._database.close()

    def apply_all(self, records: Sequence[Record]) -> None:
        """Takes in some records, in one transaction."""
        self._database.execute("BEGIN")
        for record in records:
            self.apply(record)
        self._database.execute("COMMIT")

    def apply(self, record: Record) -> None:
        """Takes in one record, if it is about a sample."""
        match record:
            case Planned():
                self._passages.update((order.id, record.passage.id) for order in record.orders)
            case Rejoined():
                self._moved(record.order_id, record.at, OPEN, record.attempt)
            case AcceptedEnd() | Rescored():
                self._moved(record.order_id, record.at, EndKind.ACCEPTED.value, record.attempt, record=record)
            case DeadLetteredEnd():
                self._moved(record.order_id, record.at, EndKind.DEAD_LETTERED.value, record.attempt, record=record)
            case NotNeededEnd():
                self._forget(record.order_id)
            case Reopened():
                self._database.execute("UPDATE samples SET end = ? WHERE order_id = ?", (OPEN, record.order_id))
            case _:
                pass

    @property
    def counted(self) -> int:
        """Samples so far."""
        return self._rows(f"SELECT count(*) FROM samples WHERE {_ENDED}", ())[0][0]

    def found(self, wanted: SampleFilter, page: int = 0) -> FoundSamples:
        """The page of that number, from 0. Numbers that a filter holds may be any."""
        where, values = _where(wanted)
        (total,) = self._rows(f"SELECT count(*) FROM samples WHERE {where}", values)[0]
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM samples WHERE {where} ORDER BY number DESC LIMIT {PAGE} OFFSET ?",
            (*values, max(0, min(page, (total - 1) // PAGE)) * PAGE),
        )
        return FoundSamples(tuple(map(_sample, rows)), total)

    def next_of(self, order_id: str, wanted: SampleFilter) -> OrderId | None:
        """The sample below this one in the list of the filter; None below the last."""
        where, values = _where(wanted)
        query = f"SELECT order_id FROM samples WHERE {where} AND number < ({_NUMBER}) ORDER BY number DESC LIMIT 1"
        found = self._rows(query, (*values, order_id))
        return OrderId(found[0][0]) if found else None

    def of_passage(self, passage_id: str, limit: int) -> Sequence[IndexedSample]:
        """Samples of one passage, accepted ones first; at most `limit`."""
        query = f"SELECT {_COLUMNS} FROM samples WHERE passage_id = ? AND {_ENDED} ORDER BY end, number LIMIT ?"
        return [_sample(row) for row in self._rows(query, (passage_id, limit))]

    def values(self, column: str) -> list[str]:
        """Every `mode` or `repair` that there is, or every `gate` with a score."""
        table = "scores" if column == "gate" else "samples"
        return [value for (value,) in self._rows(f"SELECT DISTINCT {column} FROM {table} ORDER BY 1", ()) if value]

    def _moved(self, order_id: str, at: float, end: str, last: Attempt | None, *, record: Record | None = None) -> None:
        """The order's row as it is from now on, with a number of its own: the newest."""
        old = self._row(order_id)
        number = None if old is None else old.pop("number")
        row = {"passage_id": self._passages.pop(order_id, None), **_NEW, **(old or {}), "at": at, "end": end}
        row["reason"] = record.end.reason.value if isinstance(record, DeadLetteredEnd) else None
        if last is not None:
            before = row["mode_before"] if isinstance(record, Rescored) else row["mode"]
            diagnosed = None if last.diagnosis is None else str(last.diagnosis.mode)
            row |= {"attempts": last.number, "mode": diagnosed or before, "mode_before": before, **_texts(last)}
            row["repair"] = None if last.repair is None else str(last.repair.kind)
        cursor = self._database.execute(_REPLACE, {**row, "order_id": order_id})
        if last is None:
            self._database.execute("UPDATE scores SET number = ? WHERE number = ?", (cursor.lastrowid, number))
            return
        self._database.execute("DELETE FROM scores WHERE number = ?", (number,))
        scores = [(cursor.lastrowid, said.gate, said.score) for said in last.verdicts if not isinstance(said, Errored)]
        self._database.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?, ?)", scores)

    def _row(self, order_id: str) -> dict[str, Any] | None:
        names = ("number", "passage_id", *_NEW)
        found = self._rows(f"SELECT {', '.join(names)} FROM samples WHERE order_id = ?", (order_id,))
        return dict(zip(names, found[0], strict=True)) if found else None

    def _forget(self, order_id: str) -> None:
        self._passages.pop(order_id, None)
        if (old := self._row(order_id)) is not None:
            self._database.execute("DELETE FROM samples WHERE order_id = ?", (order_id,))
            self._database.execute("DELETE FROM scores WHERE number = ?", (old["number"],))

    def _rows(self, query: str, values: Sequence[object]) -> list[Any]:
        return self._database.execute(query, values).fetchall()


def _where(wanted: SampleFilter) -> tuple[str, list[object]]:
    """A condition of our own words, and the values in it."""
    parts: list[str] = [_ENDED]
    values: list[object] = []
    for column, value in (
        ("end", None if wanted.end is None else wanted.end.value),
        ("mode", wanted.mode),
        ("repair", wanted.repair),
    ):
        if value is not None:
            parts.append(f"{column} = ?")
            values.append(value)
    if wanted.gate is not None:
        low, high = wanted.low, wanted.high
        parts.append("number IN (SELECT number FROM scores WHERE gate = ? AND score >= ? AND score <= ?)")
        values += [wanted.gate, float("-inf") if low is None else low, float("inf") if high is None else high]
    if wanted.text:
        parts.append("instr(searched, ?)")
        values.append(wanted.text.casefold())
    return " AND ".join(parts), values


def _texts(last: Attempt) -> dict[str, str]:
    """What is shown and searched: the draft's texts, or the completion that was none."""
    if last.candidate is None:
        return {"shown": "", "searched": ""}
    draft = last.candidate.draft
    text = last.candidate.text if draft is None else "\n".join(each for _, each in texts_of(draft))
    return {"shown": text[:SHOWN], "searched": text[:SEARCHED].casefold()}


def _sample(row: Sequence[Any]) -> IndexedSample:
    order_id, at, end, *rest = row
    return IndexedSample(OrderId(order_id), at, EndKind(end), *rest)
