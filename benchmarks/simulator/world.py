"""The clock and the loop: orders arrive, are leased, generated, judged by both gates at once, and settled or requeued.

The queue is a run's own (`RegenerationQueue`, in shards). A conductor's 5 ms between lease calls are kept; messages
take no time. Every second the scaler is asked, and a sample of the world is kept for the report.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from msgspec import Struct

from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.scaling.measure import ASSUMED_CLASSIFY_S, ASSUMED_S, PoolFacts, RunFacts
from benchmarks.simulator.pool import Phase, Pool
from benchmarks.simulator.scalers import Scaler
from benchmarks.simulator.scenario import GENERATOR, JUDGE, REWARD, Scenario
from schemas.corpus import Passage, Provenance
from schemas.errors import GleanerError
from schemas.ids import DocumentId
from schemas.orders import Accept, Attempt, DeadLetter, EndReason, Lease, Order, Outcome, Requeue
from schemas.recovery import Repair, Repairs

TICK_S = 1.0
LINGER_S = 0.005
MAX_ATTEMPTS = 4
SHARD_ORDERS = 250_000
ORDERS_A_PASSAGE = 4
LEASES_A_CALL = 4096
LONGEST_RUN_S = 200_000.0
REPAIR = Repair(Repairs.RESAMPLE, 0.7)
REJECTED = DeadLetter(EndReason.REJECTED, "")


class PoolSample(Struct, frozen=True):
    """One pool at one second."""

    wanted: int
    starting: int
    ready: int
    draining: int
    busy: int


class Sample(Struct, frozen=True):
    """The world at one second."""

    at: float
    ready: int
    outstanding: int
    pools: dict[str, PoolSample]


class Work:
    """One attempt on its way. `open`: gates that have not answered; `seconds`: of accelerators that it took."""

    __slots__ = ("lease", "open", "seconds", "shard")

    def __init__(self, lease: Lease, shard: RegenerationQueue) -> None:
        self.lease, self.shard, self.open, self.seconds = lease, shard, 2, 0.0


class World:
    """`work_s`: accelerator-seconds that orders took, by the second they arrived in; what was lost does not count."""

    def __init__(self, scenario: Scenario, scaler: Scaler) -> None:
        self.scenario = scenario
        self._scaler = scaler
        self._random = Random(scenario.seed)
        self._events: list[tuple[float, int, Callable[..., None], Any, Any]] = []
        self._stamps = count()
        self.now = 0.0
        total = scenario.orders(scenario.last_order_s)
        limits = QueueLimits(max_attempts=MAX_ATTEMPTS, lease_s=1e9, fresh_share=0.1)
        self.queues = [RegenerationQueue(limits, lambda a, b: 0.0) for _ in range(1 + total // SHARD_ORDERS)]
        self.pools = {
            name: Pool(name, model, self.later, self._answered, self._random) for name, model in scenario.pools.items()
        }
        for pool in self.pools.values():
            pool.straggling = scenario.stragglers
        self._total, self._planned = total, 0
        self._room = int(1.5 * scenario.accelerators * max(pool.slots for pool in scenario.pools.values()))
        self._leasing = False
        self._attempts = self._requeued = 0
        self._arrivals: list[float] = []
        self.work_s: dict[float, float] = {}
        self.samples: list[Sample] = []
        self.now_ended = 0.0

    def later(self, delay_s: float, call: Callable[..., None], a: Any, b: Any) -> None:
        heappush(self._events, (self.now + delay_s, next(self._stamps), call, a, b))

    def run(self) -> None:
        """Until every order has ended and the pools are at their minimum, or the load's span is over."""
        self._tick(None, None)
        events, pop = self._events, heappop
        while events:
            self.now, _, call, a, b = pop(events)
            call(a, b)

    @property
    def outstanding(self) -> int:
        return sum(shard.outstanding for shard in self.queues)

    def _tick(self, a: None, b: None) -> None:
        facts = self._facts()
        self._arrive()
        self._lose()
        wanted = self._scaler.wanted(facts)
        room = self.scenario.accelerators - sum(pool.held * pool.model.accelerators for pool in self.pools.values())
        starts = self.scenario.max_starting - sum(pool.count[Phase.STARTING] for pool in self.pools.values())
        for name, pool in self.pools.items():
            before = pool.held
            pool.scale(wanted[name], room, starts)
            room -= max(0, pool.held - before) * pool.model.accelerators
            starts -= max(0, pool.held - before)
        self._keep(facts, wanted)
        over = self._planned == self._total and not self.outstanding
        if self.now > LONGEST_RUN_S:
            raise GleanerError(
                f"{self.outstanding} orders are still outstanding after {self.now:.0f} simulated seconds"
            )
        if not over:
            self.later(TICK_S, self._tick, None, None)

    def _arrive(self) -> None:
        due = self.scenario.orders(self.now)
        while self._planned < due:
            size = min(ORDERS_A_PASSAGE, due - self._planned)
            place = Provenance("sim", DocumentId("sim"), "", self._planned, self._planned + 1, "sim")
            passage = Passage.of("", place)
            orders = [Order.fresh(passage.id, "sim", slot) for slot in range(size)]
            self.queues[(self._planned // ORDERS_A_PASSAGE) % len(self.queues)].plan(passage, orders, self.now)
            self._planned += size
            self._arrivals += [self.now] * size
        self._want_leases()

    def _want_leases(self) -> None:
        if not self._leasing and self._room > 0:
            self._leasing = True
            self.later(LINGER_S, self._lease, None, None)

    def _lease(self, a: None, b: None) -> None:
        self._leasing = False
        for shard in self.queues:
            share = min(LEASES_A_CALL, -(-self._room // len(self.queues)))
            for lease in shard.lease(self.now, "sim", share):
                self._room -= 1
                self.pools[GENERATOR].submit(Work(lease, shard))

    def _answered(self, pool: Pool, work: Work, service_s: float) -> None:
        work.seconds += service_s / pool.model.slots * pool.model.accelerators
        if pool.name == GENERATOR:
            self.pools[JUDGE].submit(work)
            self.pools[REWARD].submit(work)
            return
        work.open -= 1
        if not work.open:
            self._settle(work)

    def _settle(self, work: Work) -> None:
        lease = work.lease
        rejected = self._random.random() < self.scenario.requeued(self.now)
        again = rejected and lease.attempt < MAX_ATTEMPTS
        decision = Requeue(REPAIR) if again else REJECTED if rejected else Accept()
        attempt = Attempt(number=lease.attempt, repair=None, candidate=None, started_at=self.now)
        work.shard.settle(Outcome(lease.order.id, attempt, decision), self.now)
        self.now_ended = self.now
        arrived = self._arrivals[lease.passage.provenance.start]
        self.work_s[arrived] = self.work_s.get(arrived, 0.0) + work.seconds
        self._attempts += 1
        self._requeued += again
        self._room += 1
        self._want_leases()

    def _lose(self) -> None:
        share = self.scenario.lost_per_hour * TICK_S / 3600
        for pool in self.pools.values() if share else ():
            for replica in pool.ready():
                if self._random.random() < share:
                    pool.lose(replica)

    def _facts(self) -> RunFacts:
        depths = [shard.depth() for shard in self.queues]
        oldest = min((depth.oldest_since for depth in depths if depth.oldest_since is not None), default=self.now)
        pools = {
            name: PoolFacts(
                calls=pool.calls, recorded=self._attempts, tokens=100 * self._attempts, running=pool.running,
                slots=pool.model.slots, ready=pool.count[Phase.READY], starting=pool.count[Phase.STARTING],
                draining=pool.count[Phase.DRAINING], assumed_s=ASSUMED_S if name == GENERATOR else ASSUMED_CLASSIFY_S,
            )
            for name, pool in self.pools.items()
        }  # fmt: skip
        return RunFacts(
            at=self.now, attempts=self._attempts, requeued=self._requeued,
            ready=sum(depth.ready for depth in depths), leased=sum(depth.leased for depth in depths),
            waiting=sum(depth.waiting for depth in depths), oldest_s=self.now - oldest, max_attempts=MAX_ATTEMPTS,
            expected=dict.fromkeys(pools, 1.0), pools=pools,
        )  # fmt: skip

    def _keep(self, facts: RunFacts, wanted: dict[str, int]) -> None:
        pools = {
            name: PoolSample(
                wanted[name], pool.count[Phase.STARTING], pool.count[Phase.READY], pool.count[Phase.DRAINING], pool.busy
            )
            for name, pool in self.pools.items()
        }
        self.samples.append(Sample(self.now, facts.ready, facts.ready + facts.leased + facts.waiting, pools))
