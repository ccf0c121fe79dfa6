"""Queue shards: small runs side by side in one folder, each with its own queue, ledger, writer and conductors.

Law: a passage always belongs to the same shard, which follows from its id and the number of shards alone. The first
shard's files have no number in their names, so a run with one shard has the files of a run without shards.
"""

from collections.abc import Mapping

from msgspec import Struct

from schemas.ids import PassageId


class QueueShard(Struct, frozen=True):
    """One of `count` shards; `number` from 0."""

    number: int = 0
    count: int = 1

    @property
    def ledger(self) -> str:
        """The name of its ledger's file."""
        return f"ledger{self._suffix}.sqlite"

    @property
    def lock(self) -> str:
        """The name of its lock file; that of the first shard is the folder's."""
        return f"ledger{self._suffix}.lock"

    @property
    def all(self) -> tuple["QueueShard", ...]:
        """All shards of the run, in order."""
        return tuple(QueueShard(number, self.count) for number in range(self.count))

    def holds(self, passage_id: PassageId) -> bool:
        """Whether the passage belongs to this shard."""
        return shard_of(passage_id, self.count) == self.number

    def share(self, whole: int) -> int:
        """Its part of a limit of the run; the parts of all shards add up to the whole."""
        part, rest = divmod(whole, self.count)
        return part + (self.number < rest)

    @property
    def _suffix(self) -> str:
        return f"-{self.number}" if self.number else ""


class ShardStanding(Struct, frozen=True):
    """One queue's part in a run that is to end with so many accepted samples of each stratum (`run`; None: no such
    end). `most`: how many it may accept; None: it has not been told. `able`: the strata of which it has orders, or is
    offered passages to make some of; `over`: those that it knows to be complete in the whole run; `outstanding`: its
    orders without an end."""

    accepted: Mapping[str, int]
    most: Mapping[str, int] | None
    able: frozenset[str]
    run: Mapping[str, int] | None
    over: frozenset[str] = frozenset()
    outstanding: Mapping[str, int] = {}


MOST_SHARDS = 64
ONLY = QueueShard()
"""The only shard of a run with one queue."""


def shard_of(passage_id: PassageId, count: int) -> int:
    """The number of the shard that a passage belongs to, in [0, count)."""
    return int(passage_id[:8], 16) % count
