"""Names and ranges of shards. Law: only a shard's name says its queue, its number and its edition."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from actors.ledger.door import shard_name
from schemas.ledger import ShardWritten

_QUEUE = re.compile(r"\.?part-q(\d+)-")


class Span(Struct, frozen=True):
    """The ends of one shard: sequence numbers `first_seq` to `last_seq`, both included, of `queue`'s ledger."""

    number: int
    first_seq: int
    last_seq: int
    edition: int = 1
    queue: int = 0

    @property
    def name(self) -> str:
        """The name of the shard's file."""
        queue = f"q{self.queue}-" if self.queue else ""
        edition = "" if self.edition == 1 else f"-{self.edition}"
        return f"part-{queue}{self.number:05d}{edition}.parquet"

    @staticmethod
    def of(shard: ShardWritten) -> "Span":
        """The span of a recorded shard. Raises OutputError when its name is not a shard's."""
        _, queue, number, edition = shard_name(shard).groups()
        return Span(int(number), shard.first_seq, shard.last_seq, int(edition or 1), int(queue or 0))


def name_of(path: Path) -> str:
    """A shard file's name as the ledger has it, relative to the output folder."""
    return f"{path.parent.name}/{path.name}"


def queue_of(path: Path) -> int:
    """The queue that a file belongs to. Other queues' writers use the same folder."""
    marked = _QUEUE.match(path.name)
    return int(marked[1]) if marked else 0


def within(undone: Sequence[int], first_seq: int, last_seq: int) -> int:
    """How many of the ascending sequence numbers are in [first_seq, last_seq]."""
    return bisect_right(undone, last_seq) - bisect_left(undone, first_seq)


def current(recorded: Iterable[ShardWritten]) -> list[ShardWritten]:
    """The shards of one ledger that count: the last record of each kind and range."""
    return list({(shard.kind, shard.first_seq): shard for shard in recorded}.values())
