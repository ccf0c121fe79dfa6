"""Compares the shards on disk with the ledger. Law: a recorded shard is complete, and its rows are exactly its ends
that still hold. An order that was put back has a row in the shard of its last end, and nowhere else.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
from msgspec import Struct

from actors.audit.book import ACCEPTED, DEAD_LETTERED, OPEN, Book, Refusal
from actors.audit.files import check_strangers, check_sums, inside, is_replaced, sha256_of
from actors.audit.findings import Findings
from actors.text.parquet import ParquetRows, TooMuchMemory
from schemas.audit import Check
from schemas.ids import OrderId
from schemas.ledger import ShardKind, ShardWritten

_PAGE_BYTES = 128 << 20
"""The largest page of a shard: the folder may come from a stranger."""
_END = {ShardKind.DATASET: ACCEPTED, ShardKind.DEAD_LETTERS: DEAD_LETTERED}


class _Seen(Struct):
    """The rows of a shard so far. `refused`: refused documents that may still have a row."""

    orders: set[OrderId]
    refused: Counter[Refusal]
    count: int = 0
    outdated: set[OrderId] = set()


def check_shards(output: Path, books: Sequence[Book], findings: Findings, *, finished: bool = False) -> int:
    """Checks files, checksums and rows of every ledger's shards, and gives the number of rows read. `finished`: the run
    has closed its shards since its last end."""
    seen: set[OrderId] = set()
    rows = sum(_check_ledgers(output, book, seen, findings, finished) for book in books)
    replaced = check_strangers(output, findings)
    check_sums(output, replaced, findings)
    return rows


def _check_ledgers(output: Path, book: Book, seen: set[OrderId], findings: Findings, finished: bool) -> int:
    rows = dict.fromkeys(ShardKind, 0)
    for shard in book.shards.values():
        try:
            if _is_whole(output, shard, findings):
                rows[shard.kind] += _check_rows(output / shard.name, shard, book, seen, findings)
        except (FileNotFoundError, IsADirectoryError):
            if is_replaced(output, shard, book.shard):
                finished = False  # a replay is replacing the shard
            else:
                findings.error(Check.SHARDS, "a recorded shard is missing", shard.name)
    for kind in ShardKind:
        missing = book.rows[kind] - rows[kind]
        if missing > 0:
            what = f"{missing} ends are in no shard"
            if finished and book.all_planned and not book.count(OPEN) and not findings.faults:
                findings.error(Check.ROWS, what, kind.value)
            else:
                findings.warning(Check.ROWS, f"{what} yet", kind.value)
    return sum(rows.values())


def _is_whole(output: Path, shard: ShardWritten, findings: Findings) -> bool:
    """Whether the shard has its recorded bytes. Raises FileNotFoundError when it is missing."""
    path = inside(output, shard.name)
    if path is None:
        findings.error(Check.SHARDS, "the ledger names a shard outside the folder", shard.name)
        return False
    if sha256_of(path) != shard.sha256:
        findings.error(Check.SHARDS, "a shard is not what was written (its checksum differs)", shard.name)
        return False
    return True


def _check_rows(path: Path, shard: ShardWritten, book: Book, orders: set[OrderId], findings: Findings) -> int:
    seen = _Seen(orders, Counter(book.refused_in(shard)))
    for row in _rows(path, findings):
        seen.count += 1
        where = f"{shard.name}, row {seen.count}"
        if row.get("subject") == "document":
            _check_refused(row, seen, where, findings)
        else:
            _check_order(row, shard, book, seen, where, findings)
    if seen.count != shard.rows:
        findings.error(Check.ROWS, f"holds {seen.count} rows, {shard.rows} were recorded", shard.name)
    if seen.outdated:
        what = f"still holds rows of orders that were put back ({len(seen.outdated)})"
        findings.warning(Check.ROWS, f"{what}; the next run writes it without them", shard.name)
    return seen.count - len(seen.outdated)


def _check_refused(row: dict[str, Any], seen: _Seen, where: str, findings: Findings) -> None:
    refusal = (row["id"], row.get("reason", ""), row.get("detail", ""))
    if not seen.refused[refusal]:
        what = "a row of a document that was not refused so, or has its row already"
        findings.error(Check.ROWS, what, where)
    seen.refused[refusal] -= 1


def _check_order(
    row: dict[str, Any], shard: ShardWritten, book: Book, seen: _Seen, where: str, findings: Findings
) -> None:
    order_id = OrderId(row["id"])
    held = book.holds(order_id, shard)
    if not held and order_id not in seen.outdated and book.outdated(order_id, shard) is not None:
        seen.outdated.add(order_id)
        return
    if order_id in seen.orders:
        findings.error(Check.ROWS, "an order has two rows", where, order_id)
    seen.orders.add(order_id)
    if order_id in book.probes:
        findings.error(Check.ROWS, "a probe is in a shard", where, order_id)
    if book.ends.get(order_id) != _END[shard.kind] or not held:
        findings.error(Check.ROWS, f"a row of an order that did not end in {shard.kind.value}", where, order_id)
    elif shard.kind is ShardKind.DATASET:
        _check_sample(row, book, where, findings)


def _check_sample(row: dict[str, Any], book: Book, where: str, findings: Findings) -> None:
    order_id = OrderId(row["id"])
    spans = book.spans.get(row["provenance"]["uri"], [])
    planned = next((span for span in spans if span.passage_id == book.passages[order_id]), None)
    if planned is None or row["passage"] != planned.text or row["provenance"]["start"] != planned.start:
        findings.error(Check.PROVENANCE, "the row's passage is not its order's passage", where, order_id)
    if row["quote"] is not None and not _has(row["passage"], row["quote"]):
        findings.error(Check.PROVENANCE, "the row's quote is not in its passage", where, order_id)


def _has(passage: str, quote: str) -> bool:
    """Compares without white space: a quote may be wrapped differently."""
    return " ".join(quote.split()) in " ".join(passage.split())


def _rows(path: Path, findings: Findings) -> Iterator[dict[str, Any]]:
    names = {"id", "subject", "reason", "detail", "passage", "quote", "provenance"}
    try:
        with path.open("rb") as stream, closing(ParquetRows(stream, _PAGE_BYTES)) as file:
            for group in range(len(file.group_rows)):
                for batch in file.batches(group, sorted(names & set(file.schema.names))):
                    yield from batch.to_pylist()
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, TooMuchMemory) as error:
        findings.error(Check.SHARDS, f"cannot be read as Parquet: {error}", path.name)
