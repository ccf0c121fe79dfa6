"""Segments: a ledger as objects of a store. Law: segments follow each other without a gap, and each says the running
hash at its end. So a ledger that is built from them has the same records with the same hashes, or it is not built.

A segment never changes. When the last sixteen of one level stand together, they are written again as one of the next
level, so a ledger of n segments is a list of about 16 log16 n.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

import msgspec
import pyarrow as pa
from msgspec import Struct

from actors.ledger.layout import open_to_write
from actors.ledger.running_hash import START, hashed_body, next_head
from actors.ledger.sqlite import LedgerReader
from schemas.errors import OutputError
from schemas.ids import OrderId
from schemas.ledger import Planned, Voided
from schemas.storage import Chain, LedgerSegment
from schemas.wire import decode_record

MAGIC = b"gleaner segment 1\n"
CUT_BYTES = 8 << 20
"""Of records in a segment of level 0: more records are cut into several. One that has as many is not merged."""
FAN_IN = 16
LARGEST = 2 * FAN_IN * CUT_BYTES
"""Of records in any segment; it bounds what is allocated for one that is read."""
_MAY_PLAN = frozenset(str(record.__struct_config__.tag) for record in (Planned, Voided))
_CODEC = "zstd"


class _SegmentRow(Struct, frozen=True, array_like=True):
    kind: str
    order_id: OrderId | None
    body: bytes


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[_SegmentRow])


class Cut(Struct, frozen=True):
    """A segment that was cut, and its object's bytes."""

    segment: LedgerSegment
    content: bytes


def cut(ledger: LedgerReader, after: int, through: int, *, epoch: int, level: int = 0) -> Cut:
    """Records `after` + 1 to `through` as one segment; of level 0 only as many as `CUT_BYTES` allows. There is at least
    one record. `epoch`: of the process that writes it; no two processes write one object."""
    rows: list[_SegmentRow] = []
    size, last = 0, after
    for seq, kind, order_id, body in ledger.rows(after):
        if seq > through or (rows and not level and size + len(body) > CUT_BYTES):
            break
        rows.append(_SegmentRow(kind, order_id, body))
        size, last = size + len(body), seq
    raw = _ENCODER.encode(rows)
    content = b"".join((MAGIC, len(raw).to_bytes(8, "big"), cast(bytes, pa.compress(raw, codec=_CODEC, asbytes=True))))
    sha256 = hashlib.sha256(content).hexdigest()
    number = ledger.shard.number
    name = f"{number}/{after + 1:012d}-{last:012d}-{epoch:04d}-{sha256[:16]}"
    return Cut(LedgerSegment(name, after + 1, last, ledger.head(last), sha256, size, level), content)


def mergeable(segments: Sequence[LedgerSegment]) -> int:
    """How many of the last segments should be written again as one: `FAN_IN` or none."""
    last = segments[-FAN_IN:]
    fit = len(last) == FAN_IN and all(each.level == last[0].level and each.size < CUT_BYTES for each in last)
    return FAN_IN if fit else 0


def has(ledger: LedgerReader, chain: Chain) -> bool:
    """Whether the ledger holds every record of the chain, unchanged."""
    if ledger.meta() != dict(chain.meta) or ledger.last_seq() < chain.last:
        return False
    return not chain.segments or ledger.head(chain.last) == chain.segments[-1].head


def build(path: Path, chain: Chain, contents: Iterator[bytes]) -> None:
    """Makes the ledger at a path where there is none. `contents`: the segments' objects, in order. Raises OutputError
    for an object that is not what the chain says."""
    with closing(open_to_write(path)) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("DELETE FROM meta")
        database.executemany("INSERT INTO meta VALUES (?, ?)", chain.meta.items())
        database.execute("COMMIT")
        after, head = 0, START
        for segment, content in zip(chain.segments, contents, strict=True):
            if segment.first != after + 1:
                raise OutputError(f"{path.name}: the store has no records {after + 1} to {segment.first - 1}")
            head = _add(database, segment, _read(segment, content), head)
            after = segment.last


def _read(segment: LedgerSegment, content: bytes) -> list[_SegmentRow]:
    size_at = len(MAGIC)
    raw_at = size_at + 8
    size = int.from_bytes(content[size_at:raw_at], "big")
    if hashlib.sha256(content).hexdigest() != segment.sha256 or content[:size_at] != MAGIC or size > 2 * LARGEST:
        raise OutputError(f"segment {segment.name} is not the object that was written: restore it from a copy")
    raw = pa.decompress(content[raw_at:], decompressed_size=size, codec=_CODEC, asbytes=True)
    return _DECODER.decode(cast(bytes, raw))


def _add(database: sqlite3.Connection, segment: LedgerSegment, rows: list[_SegmentRow], head: bytes) -> bytes:
    records, orders = [], []
    for seq, row in enumerate(rows, segment.first):
        written = hashed_body(row.kind, row.body)
        head = next_head(head, written)
        records.append((seq, row.kind, row.order_id, row.body, head))
        if row.kind in _MAY_PLAN and isinstance(record := decode_record(written), Planned):
            orders.extend((order.id, seq) for order in record.orders)
    if segment.first + len(rows) != segment.last + 1 or head.hex() != segment.head:
        raise OutputError(
            f"segment {segment.name} does not follow on the records before it: the store lost or changed an object; "
            "restore it from a copy"
        )
    database.execute("BEGIN IMMEDIATE")
    database.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", records)
    database.executemany("INSERT INTO orders VALUES (?, ?)", orders)
    database.execute("COMMIT")
    return head
