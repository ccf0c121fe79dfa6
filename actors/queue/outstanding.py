"""Every outstanding order with its state: ready, leased or waiting.

Law: an order is in one state, and in the heap of that state with the stamp of its last move. Nothing here knows why an
order moves.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count

from actors.queue.aim import Room, Rooms
from actors.queue.ends import Move
from actors.queue.held import Depth, Held, OrderState
from actors.queue.ready_orders import LiveHeap, ReadyOrders
from schemas.errors import LedgerError
from schemas.ids import OrderId, PassageId
from schemas.ledger import ProbeEnded, ProbeRejoined
from schemas.order_kinds import Urgency
from schemas.orders import OrderKind


class Outstanding:
    """The orders, with counts. `open_passages`: the number of outstanding samples of each passage."""

    def __init__(self, shares: Mapping[Urgency, float]) -> None:
        """`shares`: of leases, as in `ReadyOrders`."""
        self.by_id: dict[OrderId, Held] = {}
        self.open_passages: dict[PassageId, int] = {}
        self.samples = dict.fromkeys(OrderState, 0)
        self._strata = Counter[tuple[str, OrderState]]()
        self.others = Counter[OrderKind]()
        self.ready = ReadyOrders(self.by_id, shares)
        self._leases = LiveHeap(self.by_id)
        self._waiting = LiveHeap(self.by_id)
        self._stamps = count(1)

    @property
    def outstanding(self) -> int:
        """Outstanding orders of samples."""
        return len(self.by_id) - self.others.total()

    def outstanding_of(self, stratum: str) -> int:
        """Outstanding orders of samples of a stratum."""
        return sum(self._strata[stratum, state] for state in OrderState)

    def unleased(self) -> list[Held]:
        """The orders that are not leased."""
        return [held for held in self.by_id.values() if held.state is not OrderState.LEASED]

    def leased_to(self, conductor: str) -> list[Held]:
        """The orders that are leased to a conductor."""
        leased = OrderState.LEASED
        return [held for held in self.by_id.values() if held.state is leased and held.conductor == conductor]

    def moved_by(self, record: Move) -> Held:
        """The order that a record of the ledger moves. Raises LedgerError if no such order is outstanding."""
        held, of_probe = self.by_id.get(record.order_id), isinstance(record, ProbeRejoined | ProbeEnded)
        if held is None or of_probe != (held.probe is not None) or held.policy.on_demand:
            what = "ends or repairs probe" if of_probe else "ends or repairs order"
            raise LedgerError(f"the ledger {what} {record.order_id}, which is not outstanding")
        return held

    def add(self, held: Held) -> None:
        """An order is outstanding from now on."""
        self.by_id[held.order.id] = held
        if not held.policy.sample:
            self.others[held.order.kind] += 1
            return
        self.samples[held.state] += 1
        self._strata[held.stratum, held.state] += 1
        passage_id = held.order.passage_id
        self.open_passages[passage_id] = self.open_passages.get(passage_id, 0) + 1

    def make_ready(self, held: Held, now: float) -> None:
        """The order may be leased."""
        self._move(held, OrderState.READY, now)
        self.ready.push(now, held)

    def lend(self, held: Held, conductor: str, now: float, *, until: float) -> None:
        """The order is leased to a conductor."""
        self._move(held, OrderState.LEASED, now)
        held.conductor = conductor
        held.lent += 1
        self._leases.push(until, held)

    def wait(self, held: Held, now: float, *, until: float) -> None:
        """The order is not leased before `until`."""
        self._move(held, OrderState.WAITING, now)
        self._waiting.push(until, held)

    def due(self, now: float) -> Iterator[Held]:
        """Takes every order whose lease or wait is over. The caller moves each."""
        for heap in (self._leases, self._waiting):
            yield from heap.due(now)

    def rooms(self, most: Mapping[str, int] | None) -> Rooms | None:
        """How many orders of samples may be leased if so many of each stratum may be in flight; None: any number.
        Orders that wait for a repair count as in flight: what was spent on them is lost if they are not needed."""
        if most is None:
            return None
        within = [stratum for stratum, number in most.items() if self.outstanding_of(stratum) <= number]
        if len(within) == len(most) and sum(map(self.outstanding_of, within)) == self.outstanding:
            return None
        begun = Counter(held.stratum for held in self.by_id.values() if held.policy.sample and _is_begun(held))
        leased = OrderState.LEASED
        return Rooms(
            {each: Room(number - self._strata[each, leased], number - begun[each]) for each, number in most.items()}
        )

    def next_wake(self) -> float | None:
        """When the next lease or wait is over; None if there is neither."""
        moments = (heap.front_at() for heap in (self._waiting, self._leases))
        return min((at for at in moments if at is not None), default=None)

    def depth(self) -> Depth:
        """How many orders are in each state."""
        return Depth(
            ready=self.samples[OrderState.READY],
            leased=self.samples[OrderState.LEASED],
            waiting=self.samples[OrderState.WAITING],
            oldest_since=self.ready.oldest_sample_since(),
            rollouts=self.others[OrderKind.ROLLOUT],
        )

    def forget(self, held: Held) -> bool:
        """The order has ended. Returns whether it was the last outstanding sample of its passage."""
        del self.by_id[held.order.id]
        if not held.policy.sample:
            self.others[held.order.kind] -= 1
            return False
        self.samples[held.state] -= 1
        self._strata[held.stratum, held.state] -= 1
        passage_id = held.order.passage_id
        left = self.open_passages[passage_id] - 1
        if left:
            self.open_passages[passage_id] = left
        else:
            del self.open_passages[passage_id]
        return not left

    def check(self) -> None:
        """Raises AssertionError when a count differs from the orders themselves."""
        everything = self.by_id.values()
        samples = [held for held in everything if held.policy.sample]
        for state in OrderState:
            assert self.samples[state] == sum(held.state is state for held in samples), state
        assert +self.others == Counter(held.order.kind for held in everything if not held.policy.sample)
        assert self.open_passages == Counter(held.order.passage_id for held in samples)
        assert self.outstanding == len(samples)
        assert +self._strata == Counter((held.stratum, held.state) for held in samples)
        live = {*self.ready.stamps(), *self._leases.stamps(), *self._waiting.stamps()}
        for held in everything:
            assert (held.stamp, held.order.id) in live, f"{held.told()} is in no heap"
            assert (held.conductor is not None) == (held.state is OrderState.LEASED), held.told()
            assert held.attempt == 1 or held.policy.repairs is not None, f"{held.told()} is of a kind without repairs"
            assert (held.probe is not None) == (held.order.kind is OrderKind.PROBE), held.told()

    def _move(self, held: Held, state: OrderState, now: float) -> None:
        if held.policy.sample:
            self.samples[held.state] -= 1
            self.samples[state] += 1
            self._strata[held.stratum, held.state] -= 1
            self._strata[held.stratum, state] += 1
        held.state, held.since, held.stamp, held.conductor = state, now, next(self._stamps), None


def _is_begun(held: Held) -> bool:
    return held.state is OrderState.LEASED or held.attempt > 1
