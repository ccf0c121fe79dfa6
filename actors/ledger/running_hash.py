"""The running hash of a ledger. Law: the head of record n is the hash of record n-1's head and record n's body. So one
head stands for all records up to its own, and for their order.

The ledger's one writer computes the head of each record when it writes it, so no record is read again. A `voided`
record counts as the record that it keeps, so a repair changes no head.
"""

import sqlite3
from collections.abc import Iterator
from hashlib import blake2b

import msgspec

from schemas.ledger import Voided
from schemas.wire import decode_record

HEAD_BYTES = 16
START = bytes(HEAD_BYTES)
"""The head of a ledger without records."""
_VOIDED = str(Voided.__struct_config__.tag)
_PAGE = 1000
Hashed = tuple[int, bytes, bytes]
"""A record's sequence number, its stored head, and the bytes that are hashed."""


def next_head(head: bytes, body: bytes) -> bytes:
    """A record's head, from its body and the head of the record before it."""
    following = blake2b(head, digest_size=HEAD_BYTES)
    following.update(body)
    return following.digest()


def head_at(database: sqlite3.Connection, seq: int) -> bytes:
    """The stored head of the record with this number, or else of the last one before it."""
    query = "SELECT CAST(head AS BLOB) FROM records WHERE seq <= ? ORDER BY seq DESC LIMIT 1"
    found = database.execute(query, (seq,)).fetchone()
    return START if found is None else found[0]


def hashed(database: sqlite3.Connection) -> Iterator[Hashed]:
    """Every record's hash input, in order."""
    query = f"""SELECT seq, CAST(head AS BLOB), kind, CAST(body AS BLOB) FROM records
        WHERE seq > ? ORDER BY seq LIMIT {_PAGE}"""
    after = 0
    while page := database.execute(query, (after,)).fetchall():
        for seq, stored, kind, body in page:
            yield seq, stored, hashed_body(kind, body)
        after = page[-1][0]


def hashed_body(kind: str, body: bytes) -> bytes:
    """The bytes of a record that its head is made from."""
    return _kept(body) if kind == _VOIDED else body


def _kept(body: bytes) -> bytes:
    try:
        void = decode_record(body)
    except msgspec.DecodeError:
        return body
    return void.body if isinstance(void, Voided) else body
