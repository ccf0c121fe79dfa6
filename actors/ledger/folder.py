"""Every ledger of a folder, read as one run.

Law: a sequence number is of one ledger, and whatever needs one goes through `each`. Counts follow from the records of
all, merged by time: what one order went through is in one ledger, in its order. What every shard is told is said once:
the first shard's start, and the corpus's end when all shards have it.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Self

from actors.ledger.door import check_folder
from actors.ledger.layout import is_made
from actors.ledger.sqlite import LedgerReader
from schemas.errors import OutputError
from schemas.ids import OrderId
from schemas.ledger import CorpusEnded, Reconfigured, Record, RunStarted
from schemas.queue_shard import MOST_SHARDS, QueueShard


class Ledgers:
    """A folder's ledgers, one for each queue shard, while a run may be writing them. Raises OutputError when the folder
    holds no run, not all of one, or something that no run leaves (`actors.ledger.door`)."""

    def __init__(self, output: Path) -> None:
        check_folder(output)
        with ExitStack() as opening:
            first = opening.enter_context(LedgerReader(output))
            _check_all_there(output, first.shard)
            others = [opening.enter_context(LedgerReader(output, shard)) for shard in first.shard.all[1:]]
            self.each = (first, *others)
            _check_places(output, self.each)
            self._opened = opening.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._opened.close()

    def records(self) -> Iterator[tuple[int, Record]]:
        """Every record with its sequence number in its own ledger, oldest first: for folds that count."""
        ended: set[int] = set()
        for _, (number, seq, record) in merge(*map(_timed, self.each), key=lambda timed: timed[0]):
            if number and isinstance(record, RunStarted | Reconfigured):
                continue
            if isinstance(record, CorpusEnded):
                ended.add(number)
                if len(ended) < len(self.each):
                    continue
            yield seq, record

    @contextmanager
    def frozen(self) -> Iterator[dict[str, int]]:
        """While it lasts, every ledger is read as it is now; gives the last sequence number of each, by its name."""
        with ExitStack() as stack:
            yield {ledger.shard.ledger: stack.enter_context(ledger.frozen()) for ledger in self.each}

    def story(self, order_id: OrderId) -> Sequence[Record]:
        """Every record of one order, oldest first, its plan included. Empty for an order that is not known."""
        return next((story for ledger in self.each if (story := ledger.story(order_id))), ())

    def orders_like(self, prefix: str, limit: int) -> Sequence[OrderId]:
        """Ids of known orders that begin with `prefix`, sorted; at most `limit`."""
        return list(islice(merge(*(ledger.orders_like(prefix, limit) for ledger in self.each)), limit))


def has_orders(output: Path) -> bool:
    """Whether anything was issued in the folder: an attempt that never began binds nobody. Raises OutputError where one
    ledger holds orders and another is lost."""
    there = [shard for shard in QueueShard(0, MOST_SHARDS).all if (output / shard.ledger).is_file()]
    if not any(_has_orders(output, shard) for shard in there):
        return False
    Ledgers(output).close()
    return True


def _has_orders(output: Path, shard: QueueShard) -> bool:
    if not is_made(output / shard.ledger):
        return False
    with LedgerReader(output, shard) as ledger:
        return bool(ledger.orders_like("", 1))


def _check_all_there(output: Path, shard: QueueShard) -> None:
    missing = next((each.ledger for each in shard.all if not (output / each.ledger).is_file()), None)
    if missing is not None:
        raise OutputError(f"{output}: {missing} is missing, one of the run's {shard.count} ledgers; restore it")


def _check_places(output: Path, each: Sequence[LedgerReader]) -> None:
    for expected, ledger in zip(each[0].shard.all, each, strict=True):
        if ledger.shard != expected:
            told = f"{ledger.shard.number} of {ledger.shard.count}"
            raise OutputError(f"{output}: {expected.ledger} says that it is ledger {told}; restore it from a copy")


def _timed(ledger: LedgerReader) -> Iterator[tuple[float, tuple[int, int, Record]]]:
    return ((record.at, (ledger.shard.number, seq, record)) for seq, record in ledger.records())
