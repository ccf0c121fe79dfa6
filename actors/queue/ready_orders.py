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
_LEAST_URGENT_FIRST = (Urgency.ROLLOUTS, Urgency.FRESH, Urgency.REPAIRS)


class LiveHeap:
    """Orders by a moment. An entry lives until its order moves again."""

    def __init__(self, held: Mapping[OrderId, Held]) -> None:
        self._held = held
        self._heap: list[Entry] = []

    def push(self, at: float, held: Held) -> None:
        """The order, as it stands since its last move."""
        heappush(self._heap, (at, held.stamp, held.order.id))

    def front(self) -> Entry | None:
        """The earliest entry that lives."""
        heap = self._heap
        while heap:
            held = self._held.get(heap[0][2])
            if held is not None and held.stamp == heap[0][1]:
                return heap[0]
            heappop(heap)
        return None

    def pop(self) -> Held:
        """Takes the order in front, which is there."""
        return self._held[heappop(self._heap)[2]]

    def due(self, now: float) -> Iterator[Held]:
        """Takes every order whose moment has come, earliest first."""
        while (entry := self.front()) is not None and entry[0] <= now:
            yield self.pop()

    def stamps(self) -> Iterator[tuple[int, OrderId]]:
        """Of every entry, live or not."""
        return ((stamp, order_id) for _, stamp, order_id in self._heap)


class ReadyOrders:
    """`shares`: of leases while more urgent orders wait too, in [0, 1]."""

    def __init__(self, held: Mapping[OrderId, Held], shares: Mapping[Urgency, float]) -> None:
        self._heaps = tuple(LiveHeap(held) for _ in Urgency)
        self._shares = [shares.get(urgency, 0.0) for urgency in Urgency]
        self._due = [0.0 for _ in Urgency]
        """Of each share, the part of a lease that it has not got yet."""

    def push(self, now: float, held: Held) -> None:
        """An order became ready."""
        urgency = held.policy.first if held.attempt == 1 else held.policy.repairs
        assert urgency is not None, f"{held.told()} is of a kind without repairs"
        self._heaps[urgency].push(now, held)

    def pop(self) -> Held | None:
        """Takes the next order to be leased; None when nothing is ready."""
        if self._heaps[Urgency.PROBES].front() is not None:
            return self._heaps[Urgency.PROBES].pop()
        waiting = [urgency for urgency in _LEAST_URGENT_FIRST if self._heaps[urgency].front() is not None]
        if not waiting:
            return None
        for urgency in waiting[:-1]:
            self._due[urgency] += self._shares[urgency]
            if self._due[urgency] >= 1:
                self._due[urgency] -= 1
                return self._heaps[urgency].pop()
        return self._heaps[waiting[-1]].pop()

    def oldest_sample_since(self) -> float | None:
        """When the oldest ready order of a sample became so."""
        fronts = (self._heaps[urgency].front() for urgency in (Urgency.FRESH, Urgency.REPAIRS))
        return min((front[0] for front in fronts if front is not None), default=None)

    def stamps(self) -> Iterator[tuple[int, OrderId]]:
        """Of every entry, live or not."""
        return (stamp for heap in self._heaps for stamp in heap.stamps())
