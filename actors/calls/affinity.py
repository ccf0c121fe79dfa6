"""Which replica of a pool the requests of a passage go to, so that one replica computes its prefix for all of them.

Laws: a passage stays with the replica that it was first given, as long as that one is there. It is given the less busy
of the two that come first in its order, and the order is the same in every process, so that conductors who know nothing
of each other use two replicas for a passage at most (rendezvous hashing: Thaler and Ravishankar 1998; two choices:
Mitzenmacher 2001). No replica has more than `SLACK` times its share of the requests under way (consistent hashing with
bounded loads: Mirrokni, Thorup and Zadimoghaddam 2018). No clock, no Ray.
"""

import math
from collections import Counter, OrderedDict
from hashlib import blake2b

SLACK = 1.25
"""A replica takes at most this many times the mean of the requests under way. The rest of a passage's requests go to
the next replica in its order, which then computes the prefix once more."""
FREE = 8
"""So many requests a replica takes in any case: fewer fill no batch, so that there is nothing to balance."""
RECENT = 4096
"""Passages whose replica is remembered; more would be in no cache any more."""
BUCKETS = 4096
"""Passages are ordered by bucket, so that an order is computed once and not for each passage."""
_MASK = (1 << 64) - 1


class Affinity:
    """The requests of one conductor to one pool, by the replica that each was given to."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}
        self._replicas: tuple[str, ...] = ()
        self._orders: dict[int, tuple[str, ...]] = {}
        self._homes: OrderedDict[str, str] = OrderedDict()
        self._under_way: Counter[str] = Counter()
        self._total = 0
        """Of `_under_way`, those at replicas that are there."""

    def place(self, passage_id: str, replicas: tuple[str, ...]) -> str:
        """The replica for one more request about the passage, which counts as under way there until `ended`.
        `replicas`: names of those that are there, at least one."""
        if replicas != self._replicas:
            self._replace(replicas)
        self._total += 1
        room = max(FREE, math.ceil(SLACK * self._total / len(replicas)))
        replica = self._home(passage_id)
        if self._under_way[replica] >= room:
            replica = next(each for each in self.order(passage_id) if self._under_way[each] < room)
        self._under_way[replica] += 1
        return replica

    def ended(self, replica: str) -> None:
        """A request that was placed there is over, whatever came of it."""
        self._under_way[replica] -= 1
        if replica in self._keys:
            self._total -= 1
        elif not self._under_way[replica]:
            del self._under_way[replica]

    def order(self, passage_id: str) -> tuple[str, ...]:
        """The replicas as this passage prefers them. One that goes or comes changes nothing between the others."""
        bucket = _key(passage_id) % BUCKETS
        if bucket not in self._orders:
            salt = _key(str(bucket))
            self._orders[bucket] = tuple(sorted(self._replicas, key=lambda each: _mixed(salt ^ self._keys[each])))
        return self._orders[bucket]

    def _home(self, passage_id: str) -> str:
        home = self._homes.get(passage_id)
        if home not in self._keys:
            home = min(self.order(passage_id)[:2], key=lambda each: self._under_way[each])
        self._homes[passage_id] = home
        self._homes.move_to_end(passage_id)
        if len(self._homes) > RECENT:
            self._homes.popitem(last=False)
        return home

    def _replace(self, replicas: tuple[str, ...]) -> None:
        self._replicas = replicas
        self._keys = {replica: _key(replica) for replica in replicas}
        self._orders = {}
        self._under_way = +self._under_way  # without those that have gone and held nothing
        self._total = sum(self._under_way[replica] for replica in replicas)


def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _mixed(number: int) -> int:
    """64 bits that depend on every bit of the number; each number has its own (the finalizer of SplitMix64)."""
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & _MASK
    return number ^ number >> 31
