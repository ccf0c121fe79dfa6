"""One pool of simulated replicas: slots, starts, drains and losses.

Law: a call is in one slot or in the line; a replica that is lost puts its calls back at the head of the line.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum
from random import Random
from typing import Any

from benchmarks.simulator.scenario import DRAWS, JITTER, PoolModel

Later = Callable[[float, Callable[..., None], Any, Any], None]


class Phase(Enum):
    STARTING = 0
    READY = 1
    DRAINING = 2
    GONE = 3


class Replica:
    """`calls`: what it computes now, and how long each takes by itself; `slow`: factor on every service time."""

    __slots__ = ("calls", "phase", "slow")

    def __init__(self, slow: float) -> None:
        self.phase = Phase.STARTING
        self.calls: dict[Any, float] = {}
        self.slow = slow


class Pool:
    """`later(delay_s, call, a, b)` is the world's clock; `finish(pool, call, seconds)` is told of each call that is
    done, and of what it took by itself."""

    def __init__(
        self, name: str, model: PoolModel, later: Later, finish: Callable[["Pool", Any, float], None], random: Random
    ) -> None:
        self.name, self.model = name, model
        self._later, self._finish, self._random = later, finish, random
        self._draws = [model.mean_s * draw for draw in random.choices(model.shape, k=DRAWS)]
        self._drawn = 0
        self._free: deque[Replica] = deque()
        self.line: deque[Any] = deque()
        self.replicas: dict[Replica, None] = {}
        self.count = dict.fromkeys(Phase, 0)
        self.busy = self.calls = 0
        self.straggling = 0.0

    @property
    def held(self) -> int:
        return len(self.replicas)

    @property
    def running(self) -> int:
        return self.busy + len(self.line)

    def submit(self, call: Any) -> None:
        """Into a free slot, or into the line."""
        while self._free:
            replica = self._free.popleft()
            if replica.phase is Phase.READY:
                self._begin(replica, call)
                return
        self.line.append(call)

    def scale(self, wanted: int, room: float, starts: int) -> None:
        """Starts what is wanted, `starts` at most and as far as `room` accelerators allow; takes away starting ones
        first, then any."""
        active = self.count[Phase.STARTING] + self.count[Phase.READY]
        for _ in range(min(wanted - active, starts, int(room / self.model.accelerators + 1e-9))):
            self._start()
        surplus = active - wanted
        if surplus <= 0:
            return
        for phase in (Phase.STARTING, Phase.READY):
            for replica in [each for each in reversed(self.replicas) if each.phase is phase][: max(0, surplus)]:
                self._take_away(replica)
                surplus -= 1

    def lose(self, replica: Replica) -> None:
        """The machine is gone; its calls are begun again elsewhere."""
        self._move(replica, Phase.GONE)
        del self.replicas[replica]
        self.busy -= len(replica.calls)
        for call in replica.calls:
            self.line.appendleft(call)
        replica.calls = {}

    def ready(self) -> list[Replica]:
        return [each for each in self.replicas if each.phase is Phase.READY]

    def _new(self) -> Replica:
        replica = Replica(3.0 if self._random.random() < self.straggling else 1.0)
        self.replicas[replica] = None
        self.count[Phase.STARTING] += 1
        return replica

    def _start(self) -> None:
        self._later(self.model.start_s * self._random.uniform(1 - JITTER, 1 + JITTER), self._ready, self._new(), None)

    def _ready(self, replica: Replica, _: Any) -> None:
        if replica.phase is not Phase.STARTING:
            return
        self._move(replica, Phase.READY)
        for _ in range(self.model.slots):
            if self.line:
                self._begin(replica, self.line.popleft())
            else:
                self._free.append(replica)

    def _begin(self, replica: Replica, call: Any) -> None:
        self._drawn = (self._drawn + 1) % DRAWS
        service_s = self._draws[self._drawn]
        replica.calls[call] = service_s
        self.busy += 1
        self._later(service_s * replica.slow, self._done, replica, call)

    def _done(self, replica: Replica, call: Any) -> None:
        service_s = replica.calls.pop(call, None)
        if service_s is None:
            return
        self.busy -= 1
        self.calls += 1
        if replica.phase is Phase.READY:
            if self.line:
                self._begin(replica, self.line.popleft())
            else:
                self._free.append(replica)
        elif not replica.calls:
            self._gone(replica)
        self._finish(self, call, service_s)

    def _take_away(self, replica: Replica) -> None:
        if replica.calls:
            self._move(replica, Phase.DRAINING)
        else:
            self._gone(replica)

    def _gone(self, replica: Replica) -> None:
        self._move(replica, Phase.GONE)
        del self.replicas[replica]

    def _move(self, replica: Replica, phase: Phase) -> None:
        self.count[replica.phase] -= 1
        self.count[phase] += 1
        replica.phase = phase
