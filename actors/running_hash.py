"""The running hash of a ledger. Law: the head of record n is the hash of record n-1's head and record n's body, so one
head stands for all records up to its own, and for their order.

It is made where records are written, by their one writer, and lies beside each body: nothing is read again for it. A
`voided` record counts as the record that it keeps, so a repair changes no head.
"""

import sqlite3
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.ledger import Voided
from schemas.wire import decode_record

HEAD_BYTES = 16
START = bytes(HEAD_BYTES)
"""The head of a ledger without records."""
_VOIDED = str(Voided.__struct_config__.tag)
_PAGE = 1000
Hashed = tuple[int, bytes | None, bytes]
"""Sequence number of a record, its head as it is stored, and the bytes that are hashed. A record that a version before
6 wrote has no head."""


def next_head(head: bytes, body: bytes) -> bytes:
    """The head of a record, from that of the record before it."""
    following = blake2b(head, digest_size=HEAD_BYTES)
    following.update(body)
    return following.digest()


def head_at(database: sqlite3.Connection, seq: int) -> bytes:
    """The head of that record: the stored one, or where there is none, made from the last stored one before it."""
    known, head = 0, START
    if _has_heads(database):
        found = database.execute(
            "SELECT seq, CAST(head AS BLOB) FROM records WHERE seq <= ? AND head IS NOT NULL ORDER BY seq DESC LIMIT 1",
            (seq,),
        ).fetchone()
        known, head = found or (known, head)
    for at, _, body in hashed(database, known):
        if at > seq:
            break
        head = next_head(head, body)
    return head


def hashed(database: sqlite3.Connection, after: int = 0) -> Iterator[Hashed]:
    """Every record with a sequence number above `after`, in order."""
    head = "CAST(head AS BLOB)" if _has_heads(database) else "NULL"
    query = f"SELECT seq, {head}, kind, CAST(body AS BLOB) FROM records WHERE seq > ? ORDER BY seq LIMIT {_PAGE}"
    while page := _page(database, query, after):
        for seq, stored, kind, body in page:
            yield seq, stored, _kept(body) if kind == _VOIDED else body
        after = page[-1][0]


def _page(database: sqlite3.Connection, query: str, after: int) -> list[Any]:
    return database.execute(query, (after,)).fetchall()


def _has_heads(database: sqlite3.Connection) -> bool:
    """Whether the ledger is of version 6 or later: reading alone brings none up."""
    return bool(database.execute("SELECT 1 FROM pragma_table_info('records') WHERE name = 'head'").fetchone())


def _kept(body: bytes) -> bytes:
    try:
        void = decode_record(body)
    except msgspec.DecodeError:
        return body
    return void.body if isinstance(void, Voided) else body
