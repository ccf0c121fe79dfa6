"""Runs that stop at so many accepted samples: queues on a stepped loop, conductors that take their time, and deaths.

Everything comes from a seed. Time is simulated, so a run of thousands of attempts takes a second.
"""

import asyncio
from collections.abc import Sequence
from heapq import heappop, heappush
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from actors.ledger.sqlite import MemoryLedger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.parts import QueuePart, are_enough, parts
from actors.queue.plan import StopTerms
from actors.queue.service import QueueService, ServiceSettings
from actors.tasks.strata import Strata
from schemas.config_tasks import Variable
from schemas.ledger import Record, RunStarted
from schemas.orders import Holding, Lease, Outcome
from schemas.queue_shard import QueueShard, ShardStanding
from schemas.stop import PlanEnd
from schemas.until_dry import UntilDry
from tests.doubles.attempts import accepted, given_up, passage, rejected
from tests.doubles.stepped_loop import SteppedLoop

SLOTS = 3
VARY: dict[str, Variable] = {"level": {"easy": 0.7, "hard": 0.2, "odd": 0.1}}
"""What orders are given in a run with quotas."""
OFFERED = 32
STEP_S = 0.1


class Habits(Struct, frozen=True):
    """`accepts`: the share of attempts that pass; `repairs`: of the others, the share that is repaired; `dies`: the
    probability of a death at each step. `together`: orders of a passage in one lease."""

    accepts: float = 0.55
    repairs: float = 0.7
    dies: float = 0.0
    in_flight: int = 256
    together: int = 1
    slots: int | UntilDry = SLOTS


class QueueLife:
    """One queue over many lives of its process, and its conductor."""

    def __init__(
        self, shard: QueueShard, stop: StopTerms, random: Random, habits: Habits, capacity: int = 20_000
    ) -> None:
        self.shard, self._random, self._habits = shard, random, habits
        self._settings = ServiceSettings(
            "grounded_answer", habits.slots, capacity, stop=replace(stop, queues=shard.count)
        )
        if stop.quotas is not None:
            self._settings = replace(self._settings, vary=Strata(VARY, seed=0).of)
        self.kept: list[Record] = []
        self._corpus = [found for number in range(3000) if shard.holds((found := passage(number)).id)]
        self._due: list[tuple[float, int, Outcome]] = []
        self.lives = 0
        self.now = 0.0

    def open(self, *, starts: bool) -> None:
        """A new process; `starts`: of a new launch."""
        self.lives += 1
        self.loop = SteppedLoop(self.now)
        ledger = MemoryLedger()
        ledger.kept = self.kept
        axis = None if self._settings.stop.quotas is None else self._settings.stop.quotas.axis
        limits = QueueLimits(4, lease_s=1e6, fresh_share=0.25, together=self._habits.together, axis=axis)
        self.queue = RegenerationQueue(limits, lambda one, other: float(one == other))
        make = lambda: QueueService(self.queue, ledger, self._settings, now=self.loop.time)  # noqa: E731
        self.service: QueueService = self.loop.call_now(make)
        self._offer: asyncio.Task[bool] | None = None
        self._read = 0
        self.taken = True
        if starts:
            self.through(self.service.start(RunStarted(self.now, "config", {})))

    def dies(self, *, with_conductors: bool) -> None:
        """The batch in flight reached the disk or not; with its conductors all that they made is lost."""
        if self.loop.jobs and self._random.random() < 0.5:
            self.loop.jobs[0].work()
        self.loop.die()
        if with_conductors:
            self._due = []
        self.open(starts=with_conductors)
        if not with_conductors:
            holdings = [Holding(outcome.order_id, outcome.attempt.number) for *_, outcome in self._due]
            self.service.join(self._name, holdings)

    def step(self) -> None:
        """Passages are offered, free places leased, and the next outcome reported."""
        self._offers()
        for lease in (single for shared in self._leases() for single in shared.apart()):
            after = self._random.lognormvariate(0.0, 0.6)
            heappush(self._due, (self.now + after, self._random.getrandbits(32), self._made(lease)))
        self.now += STEP_S
        self.loop.wait(STEP_S)
        outcomes: list[Outcome] = []
        while self._due and self._due[0][0] <= self.now:
            outcomes.append(heappop(self._due)[2])
        if outcomes:
            settling = self.loop.start(self.service.settle(outcomes))
            if self._random.random() < self._habits.dies:
                for _ in range(self._random.randrange(6)):
                    self.loop.step()
                if self._random.random() < 0.5:  # reports are sent again
                    for outcome in outcomes:
                        heappush(self._due, (self.now, self._random.getrandbits(32), outcome))
                self.dies(with_conductors=self._random.random() < 0.5)
            else:
                self._until(settling)

    def through(self, call: Any) -> Any:
        """One call, from asking to its answer, on a good disk."""
        return self._until(self.loop.start(call))

    @property
    def _name(self) -> str:
        return f"conductor-{self.lives}"

    def _leases(self) -> Sequence[Lease]:
        room = self._habits.in_flight - len(self._due)
        return self.through(self.service.lease(self._name, room, 0.0)) if room > 0 else []

    def _offers(self) -> None:
        if self._offer is not None and self._offer.done():
            self.taken, self._offer = self._offer.result(), None
        if self._offer is None and self.taken and self._read < len(self._corpus):
            passages = self._corpus[self._read : self._read + OFFERED]
            self._read += OFFERED
            self._offer = self.loop.start(self.service.offer(passages))
            self.settle()
        elif self._offer is None and self.taken and self._read < len(self._corpus) + OFFERED:
            self._read += OFFERED
            self.through(self.service.corpus_ended(len(self._corpus), len(self._corpus)))

    def _made(self, lease: Lease) -> Outcome:
        if self._random.random() < self._habits.accepts:
            return accepted(lease, f"{lease.order.id} {lease.attempt}?")
        return rejected(lease) if self._random.random() < self._habits.repairs else given_up(lease)

    def settle(self) -> None:
        """Everything that can happen now happens."""
        self.loop.run_until_quiet()
        while self.loop.jobs:
            job = self.loop.jobs.popleft()
            job.done(job.work())
            self.loop.run_until_quiet()

    def _until(self, task: "asyncio.Task[Any]") -> Any:
        self.settle()
        assert task.done(), "a call is never answered"
        return task.result()


class StoppingRun:
    """A run with one queue or several, and its supervisor's part in them."""

    def __init__(self, seed: int, stop: StopTerms, habits: Habits, *, queues: int = 1, capacity: int = 20_000) -> None:
        random = Random(seed)
        self.queues = [QueueLife(shard, stop, random, habits, capacity) for shard in QueueShard(0, queues).all]
        self._parts: dict[int, QueuePart] = {}

    def run(self) -> None:
        """Until every queue is finished."""
        for queue in self.queues:
            queue.open(starts=True)
        steps = 0
        while not all(queue.service.finished() for queue in self.queues):
            self._share_out()
            for queue in self.queues:
                queue.step()
            steps += 1
            assert steps < 20_000, "the run never ends"

    def records(self) -> list[Record]:
        return [record for queue in self.queues for record in queue.kept]

    def _share_out(self) -> None:
        if len(self.queues) == 1:
            return
        standings: list[ShardStanding] = [queue.service.standing() for queue in self.queues]
        if are_enough(standings):
            for queue in self.queues:
                queue.through(queue.service.end_plan(PlanEnd.ACCEPTED))
        known = [
            replace(each, most=self._parts[number].most) if each.most is None and number in self._parts else each
            for number, each in enumerate(standings)
        ]
        for number, (part, each) in enumerate(zip(parts(known), standings, strict=True)):
            if not part.holds(each):
                queue = self.queues[number]
                self._parts[number] = queue.through(queue.service.aim(part))
