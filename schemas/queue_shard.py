"""Queue shards: whole small runs side by side in one folder, each with a queue, a ledger, a writer and conductors.

Law: a passage belongs to one of them for ever, by its id and their number alone. The first carries no number in its
files' names, so the only one of a run is what a run without shards is.
"""

from msgspec import Struct

from schemas.ids import PassageId


class QueueShard(Struct, frozen=True):
    """One of `count`; `number` from 0."""

    number: int = 0
    count: int = 1

    @property
    def ledger(self) -> str:
        """Its ledger's file."""
        return f"ledger{self._suffix}.sqlite"

    @property
    def lock(self) -> str:
        """What its writer holds; the first one's is the folder's."""
        return f"ledger{self._suffix}.lock"

    @property
    def all(self) -> tuple["QueueShard", ...]:
        """The run's shards, this one among them, in order."""
        return tuple(QueueShard(number, self.count) for number in range(self.count))

    def holds(self, passage_id: PassageId) -> bool:
        """Whether the passage is its own."""
        return shard_of(passage_id, self.count) == self.number

    def share(self, whole: int) -> int:
        """Its part of a bound of the run; the parts of all shards add up to the whole."""
        part, rest = divmod(whole, self.count)
        return part + (self.number < rest)

    @property
    def _suffix(self) -> str:
        return f"-{self.number}" if self.number else ""


MOST_SHARDS = 64
ONLY = QueueShard()
"""Of a run that has one queue."""


def shard_of(passage_id: PassageId, count: int) -> int:
    """The number of the shard that a passage belongs to, in [0, count)."""
    return int(passage_id[:8], 16) % count
