"""Which order is leased next, and heaps of orders by time.

Law: of one urgency, the order that has been ready longest goes first. Less urgent orders get their share of leases
while more urgent ones wait too, and all leases while none waits. Probes go before all others and take from no share.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from heapq import heappop, heappush

from actors.queue.held import Held
from schemas.ids import OrderId
from schemas.order_kinds import Urgency

Entry = tuple[float, int, OrderId]
"""Time, stamp of the order's move, order."""


class LiveHeap:
    """Orders by a time, the earliest first. An entry is live until its order moves again."""

    __slots__ = ("_held", "entries")

    def __init__(self, held: Mapping[OrderId, Held]) -> None:
        self._held = held
        self.entries: list[Entry] = []
        """As a heap; entries that are no longer live too."""

    def push(self, at: float, held: Held) -> None:
        """Adds the order, with the stamp of its last move."""
        heappush(self.entries, (at, held.stamp, held.order.id))

    def front(self) -> Held | None:
        """The live order with the earliest time, whose entry is then `entries[0]`."""
        entries = self.entries
        while entries:
            held = self._held.get(entries[0][2])
            if held is not None and held.stamp == entries[0][1]:
                return held
            heappop(entries)
        return None

    def front_at(self) -> float | None:
        """The earliest time of a live order."""
        return None if self.front() is None else self.entries[0][0]

    def stamps(self) -> Iterator[tuple[int, OrderId]]:
        """Stamp and order of every entry, live or not."""
        return ((stamp, order_id) for _, stamp, order_id in self.entries)

    def all(self) -> list[Held]:
        """Every live order, the earliest first."""
        return list(self.due(math.inf))

    def due(self, now: float) -> Iterator[Held]:
        """Takes every order whose time has come, earliest first."""
        while (held := self.front()) is not None and self.entries[0][0] <= now:
            heappop(self.entries)
            yield held


Bars = Callable[[Urgency, str], bool]
"""Whether no order of an urgency and a stratum is taken."""


class ReadyOrders:
    """The ready orders by urgency, and by stratum. `shares`: of leases while more urgent orders wait too, in [0, 1]."""

    def __init__(self, held: Mapping[OrderId, Held], shares: Mapping[Urgency, float]) -> None:
        self._held = held
        self._heaps: dict[Urgency, dict[str, LiveHeap]] = {urgency: {} for urgency in Urgency}
        self._least_urgent_first = [(urgency, self._heaps[urgency]) for urgency in reversed(Urgency)]
        self._shares = {urgency: shares.get(urgency, 0.0) for urgency in Urgency}
        self._due = dict.fromkeys(Urgency, 0.0)
        """For each urgency, the leases (a fraction) that its share entitles it to and that it has not got yet."""

    def push(self, now: float, held: Held) -> None:
        """An order became ready."""
        urgency = held.policy.first if held.attempt == 1 else held.policy.repairs
        assert urgency is not None, f"{held.told()} is of a kind without repairs"
        heaps = self._heaps[urgency]
        if held.stratum not in heaps:
            heaps[held.stratum] = LiveHeap(self._held)
        heaps[held.stratum].push(now, held)

    def pop(self, bars: Bars | None = None) -> Held | None:
        """Takes the next order to lease; None if none is ready that `bars` lets through."""
        waiting: list[tuple[Urgency, LiveHeap, Held]] = []
        for urgency, heaps in self._least_urgent_first:
            fronts = [
                (heap, held)
                for stratum, heap in heaps.items()
                if heap.entries and not (bars and bars(urgency, stratum)) and (held := heap.front()) is not None
            ]
            if fronts:
                heap, held = fronts[0] if len(fronts) == 1 else min(fronts, key=lambda front: front[0].entries[0])
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
        """Takes up to `most` other orders that are next in line, of the passage of `first`, at their first attempts."""
        found: list[Held] = []
        if not first.policy.together or first.attempt > 1:
            return found
        heap = self._heaps[first.policy.first][first.stratum]
        while len(found) < most and (held := heap.front()) is not None and held.passage.id == first.passage.id:
            heappop(heap.entries)
            found.append(held)
        return found

    def oldest_sample_since(self) -> float | None:
        """When the oldest ready order of a sample became ready."""
        heaps = (heap for urgency in (Urgency.FRESH, Urgency.REPAIRS) for heap in self._heaps[urgency].values())
        moments = (heap.front_at() for heap in heaps)
        return min((at for at in moments if at is not None), default=None)

    def stamps(self) -> Iterator[tuple[int, OrderId]]:
        """Stamp and order of every entry, live or not."""
        return (stamp for heaps in self._heaps.values() for heap in heaps.values() for stamp in heap.stamps())

    def take_all(self, is_over: Callable[[str], bool]) -> list[Held]:
        """Takes every ready order of a sample whose stratum is over."""
        taken: list[Held] = []
        for urgency in (Urgency.FRESH, Urgency.REPAIRS):
            for stratum in [each for each in self._heaps[urgency] if is_over(each)]:
                taken += self._heaps[urgency].pop(stratum).all()
        return taken

    def _gets_its_share(self, urgency: Urgency) -> bool:
        """Whether its share entitles this urgency to the next lease, though more urgent orders wait."""
        self._due[urgency] += self._shares[urgency]
        if self._due[urgency] < 1:
            return False
        self._due[urgency] -= 1
        return True
