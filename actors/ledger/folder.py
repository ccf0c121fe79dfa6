"""All ledgers of a folder, read as one run.

Law: a sequence number belongs to one ledger, so code that needs one goes through `each`. Counts are made from the
records of all ledgers, merged by time; all records of one order are in one ledger, in order. A fact that every shard
records is given once: the run's start (by the first shard), the corpus's end (when all shards have recorded it), and
the plan's end (when no shard plans more).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Self

from actors.counts.course import plan_ended
from actors.ledger.door import check_folder
from actors.ledger.layout import is_made
from actors.ledger.sqlite import LedgerReader
from schemas.errors import OutputError
from schemas.ids import OrderId
from schemas.ledger import CorpusEnded, PlanEnded, Reconfigured, Record, RunStarted, StopRaised
from schemas.queue_shard import MOST_SHARDS, QueueShard


class Ledgers:
    """The ledgers of a folder, one for each queue shard, readable while a run writes them. Raises OutputError when the
    folder holds no run, lacks one of its ledgers, or holds an entry that no run makes (`actors.ledger.door`)."""

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
        """Every record with its sequence number in its own ledger, oldest first. For folds that count."""
        ended: set[int] = set()
        over: dict[int, PlanEnded] = {}
        for _, (number, seq, record) in merge(*map(_timed, self.each), key=lambda timed: timed[0]):
            if number in over and not isinstance(record, PlanEnded) and plan_ended(over[number].why, record) is None:
                del over[number]
            if number and isinstance(record, RunStarted | Reconfigured | StopRaised):
                continue
            if isinstance(record, CorpusEnded | PlanEnded):
                over |= {number: record} if isinstance(record, PlanEnded) else {}
                ended |= {number} if isinstance(record, CorpusEnded) else set()
                if isinstance(record, PlanEnded) or len(ended) < len(self.each):
                    if not over or len(ended | over.keys()) < len(self.each):
                        continue
                    record = next(iter(over.values()))
            yield seq, record

    @contextmanager
    def frozen(self) -> Iterator[dict[str, int]]:
        """Inside the block each ledger reads as it is now. Gives the last sequence number of each, by its file name."""
        with ExitStack() as stack:
            yield {ledger.shard.ledger: stack.enter_context(ledger.frozen()) for ledger in self.each}

    def story(self, order_id: OrderId) -> Sequence[Record]:
        """Every record of one order, oldest first, its plan included. Empty for an order that is not known."""
        return next((story for ledger in self.each if (story := ledger.story(order_id))), ())

    def orders_like(self, prefix: str, limit: int) -> Sequence[OrderId]:
        """Ids of known orders that begin with `prefix`, sorted; at most `limit`."""
        return list(islice(merge(*(ledger.orders_like(prefix, limit) for ledger in self.each)), limit))


def has_orders(output: Path) -> bool:
    """Whether a run has issued orders in this folder. A run that failed before its first order leaves no obligation.
    Raises OutputError when one ledger holds orders and another is missing."""
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
            claim = f"{ledger.shard.number} of {ledger.shard.count}"
            raise OutputError(f"{output}: {expected.ledger} says that it is ledger {claim}; restore it from a copy")


def _timed(ledger: LedgerReader) -> Iterator[tuple[float, tuple[int, int, Record]]]:
    return ((record.at, (ledger.shard.number, seq, record)) for seq, record in ledger.records())
