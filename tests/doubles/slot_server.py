"""A server with so many slots in virtual time, and clients whose limits tune themselves: what does not fit waits in the
server's queue, or is refused. Nothing sleeps; one seed gives one course."""

import heapq
import math
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from random import Random
from statistics import median
from typing import Protocol

from msgspec import Struct

from actors.calls.tuned_limit import ServerLoad

MEDIAN_S, SIGMA = 0.3, 0.6
REFUSED_S = 0.002
TICK_S = 0.1
USUAL_TOKENS = 100


class Manners(Enum):
    """What a server does with a call when all slots are taken."""

    QUEUES = "queues"
    REFUSES = "refuses"
    TELLS = "tells"
    """It queues, and tells each client its load about once a second."""


class Limits(Protocol):
    """A limit of calls under way: a TunedLimit, or a fixed one."""

    @property
    def limit(self) -> int: ...
    def sent(self, now: float) -> None: ...
    def answered(self, now: float, seconds: float, tokens: int) -> None: ...
    def refused(self, now: float, *, held: bool) -> None: ...
    def told(self, load: ServerLoad, now: float) -> None: ...


class FixedLimit:
    """A configured number."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def sent(self, now: float) -> None: ...

    def answered(self, now: float, seconds: float, tokens: int) -> None: ...

    def refused(self, now: float, *, held: bool) -> None: ...

    def told(self, load: ServerLoad, now: float) -> None: ...


class Client:
    """Keeps as many calls under way as its limit and its work allow, from `since` on."""

    def __init__(self, limit: Limits, *, since: float = 0.0, work: int = 1 << 20) -> None:
        self.limit = limit
        self.since = since
        self.work = work
        self.under_way = 0
        self.told_again_at = 0.0
        self.course: list[int] = []
        """The limit, every tenth of a second."""
        self.answered_at: list[float] = []

    def limits(self, since: float, until: float) -> list[int]:
        return self.course[round(since / TICK_S) : round(until / TICK_S)]

    def per_s(self, since: float, until: float) -> float:
        return sum(since <= at < until for at in self.answered_at) / (until - since)

    def found_s(self, slots: int, since: float, until: float, for_s: float = 4.0) -> float | None:
        """Seconds until the limit has been between 0.9 and 1.5 of the slots, by its median over so many seconds."""
        at = since + for_s
        while at <= until:
            if 0.9 * slots <= median(self.limits(at - for_s, at)) <= 1.5 * slots:
                return at - since
            at += TICK_S
        return None


class Call(Struct, frozen=True):
    client: Client
    at: float
    tokens: int


Length = Callable[[float, Random], int]


class Service(Struct, frozen=True):
    """How long a call takes: `MEDIAN_S` for the usual tokens (lognormal), and twice as long beside `crowd` others."""

    sigma: float = SIGMA
    length: Length | None = None
    crowd: float = math.inf


USUAL = Service()


class SlotServer:
    """The world. `slots`: by time."""

    def __init__(
        self, clients: Sequence[Client], slots: Callable[[float], int], manners: Manners,
        *, seed: int = 0, service: Service = USUAL,
    ) -> None:  # fmt: skip
        self.clients = clients
        self.refusals = 0
        self._slots, self._manners, self._service = slots, manners, service
        self._random = Random(seed)
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._running = 0
        self._queue: deque[Call] = deque()

    def run(self, until: float) -> None:
        self._later(0.0, self._tick)
        while self._events[0][0] < until:
            self._now, _, happen = heapq.heappop(self._events)
            happen()

    def _later(self, delay_s: float, happen: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self._now + delay_s, self._count, happen))

    def _tick(self) -> None:
        for client in self.clients:
            client.course.append(client.limit.limit)
            if self._manners is Manners.TELLS and self._now >= client.told_again_at:
                client.told_again_at = self._now + 0.5 + self._random.random()
                client.limit.told(ServerLoad(self._running, len(self._queue)), self._now)
            self._fill(client)
        self._start_next()
        self._later(TICK_S, self._tick)

    def _fill(self, client: Client) -> None:
        while self._now >= client.since and client.under_way < min(client.limit.limit, client.work):
            client.under_way += 1
            client.limit.sent(self._now)
            tokens = USUAL_TOKENS if self._service.length is None else self._service.length(self._now, self._random)
            call = Call(client, self._now, tokens)
            if self._running < self._slots(self._now):
                self._start(call)
            elif self._manners is Manners.REFUSES:
                self._later(REFUSED_S, lambda call=call: self._refuse(call))
            else:
                self._queue.append(call)

    def _start(self, call: Call) -> None:
        self._running += 1
        usual_s = MEDIAN_S * (0.1 + 0.9 * call.tokens / USUAL_TOKENS) * (1 + self._running / self._service.crowd)
        self._later(usual_s * self._random.lognormvariate(0, self._service.sigma), lambda: self._end(call))

    def _start_next(self) -> None:
        while self._queue and self._running < self._slots(self._now):
            self._start(self._queue.popleft())

    def _end(self, call: Call) -> None:
        self._running -= 1
        self._start_next()
        client = call.client
        client.under_way -= 1
        client.answered_at.append(self._now)
        client.limit.answered(self._now, self._now - call.at, call.tokens)
        self._fill(client)

    def _refuse(self, call: Call) -> None:
        self.refusals += 1
        call.client.under_way -= 1
        call.client.limit.refused(self._now, held=False)
        self._fill(call.client)
