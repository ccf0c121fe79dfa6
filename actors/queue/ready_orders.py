"""Which order is leased next, and heaps of moments.

Law: of one urgency the oldest goes first. Less urgent orders get their share, in whole leases, while more urgent ones
wait too, and everything while none does. Probes go before all others and take from nobody's share.
"""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush

from actors.queue.held import Held
from schemas.ids import OrderId
from schemas.order_kinds import Urgency

Entry = tuple[float, int, OrderId]
"""Moment, stamp of the order's move, order."""


class LiveHeap:
    """Orders by a moment. An entry lives until its order moves again."""

    __slots__ = ("_held", "entries")

    def __init__(self, held: Mapping[OrderId, Held]) -> None:
        self._held = held
        self.entries: list[Entry] = []
        """As a heap; also those that no longer live."""

    def push(self, at: float, held: Held) -> None:
        """The order, as it stands since its last move."""
        heappush(self.entries, (at, held.stamp, held.order.id))

    def front(self) -> Held | None:
        """The order with the earliest moment, which is `entries[0]` then."""
        entries = self.entries
        while entries:
            held = self._held.get(entries[0][2])
            if held is not None and held.stamp == entries[0][1]:
                return held
            heappop(entries)
        return None

    def front_at(self) -> float | None:
        """The earliest moment."""
        return None if self.front() is None else self.entries[0][0]

    def stamps(self) -> Iterator[tuple[int, OrderId]]:
        """Of every entry, live or not."""
        return ((stamp, order_id) for _, stamp, order_id in self.entries)

    def due(self, now: float) -> Iterator[Held]:
        """Takes every order whose moment has come, earliest first."""
        while (held := self.front()) is not None and self.entries[0][0] <= now:
            heappop(self.entries)
            yield held


class ReadyOrders:
    """`shares`: of leases while more urgent orders wait too, in [0, 1]."""

    def __init__(self, held: Mapping[OrderId, Held], shares: Mapping[Urgency, float]) -> None:
        self._heaps = {urgency: LiveHeap(held) for urgency in Urgency}
        self._least_urgent_first = [(urgency, self._heaps[urgency]) for urgency in reversed(Urgency)]
        self._shares = {urgency: shares.get(urgency, 0.0) for urgency in Urgency}
        self._due = dict.fromkeys(Urgency, 0.0)
        """Of each share, the part of a lease that it has not got yet."""

    def push(self, now: float, held: Held) -> None:
        """An order became ready."""
        urgency = held.policy.first if held.attempt == 1 else held.policy.repairs
        assert urgency is not None, f"{held.told()} is of a kind without repairs"
        self._heaps[urgency].push(now, held)

    def pop(self) -> Held | None:
        """Takes the next order to be leased; None when nothing is ready."""
        waiting: list[tuple[Urgency, LiveHeap, Held]] = []
        for urgency, heap in self._least_urgent_first:
            if heap.entries and (held := heap.front()) is not None:
                waiting.append((urgency, heap, held))
        if not waiting:
            return None
        urgency, heap, held = waiting[-1]
        if len(waiting) > 1 and urgency is not Urgency.PROBES:
            for less_urgent in waiting[:-1]:
                if self._gets_its_share(less_urgent[0]):
                    _, heap, held = less_urgent
                    break
        heappop(heap.entries)
        return held

    def pop_beside(self, first: Held, most: int) -> list[Held]:
        """Takes up to `most` other orders of a taken one's passage that are next in line, each at its first attempt."""
        found: list[Held] = []
        if not first.policy.together or first.attempt > 1:
            return found
        heap = self._heaps[first.policy.first]
        while len(found) < most and (held := heap.front()) is not None and held.passage.id == first.passage.id:
            heappop(heap.entries)
            found.append(held)
        return found

    def oldest_sample_since(self) -> float | None:
        """When the oldest ready order of a sample became so."""
        moments = (self._heaps[urgency].front_at() for urgency in (Urgency.FRESH, Urgency.REPAIRS))
        return min((at for at in moments if at is not None), default=None)

    def stamps(self) -> Iterator[tuple[int, OrderId]]:
        """Of every entry, live or not."""
        return (stamp for heap in self._heaps.values() for stamp in heap.stamps())

    def _gets_its_share(self, urgency: Urgency) -> bool:
        """Whether a lease is due to it, though more urgent orders wait."""
        self._due[urgency] += self._shares[urgency]
        if self._due[urgency] < 1:
            return False
        self._due[urgency] -= 1
        return True
