"""All pools and gates that one conductor calls. Law: calls wait for a pool that every order needs as long as the run
allows, and for any other pool only until it is clear that it is away."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from msgspec.structs import replace

from actors.calls.health import HealthLimits
from actors.calls.retry import Call, CalledPool
from schemas.stages import CallFailures, Pause, PoolFlow

T = TypeVar("T")

WITHOUT_S = 10.0
"""Calls wait at most this long for a pool that orders can do without."""


class Pools:
    """`needed`: names of pools that every order needs; `make`: makes the pool of a name, with limits."""

    def __init__(
        self,
        needed: Iterable[str],
        others: Iterable[str],
        make: Callable[[str, HealthLimits], CalledPool[Any]],
        limits: HealthLimits,
    ) -> None:
        shorter = replace(limits, outage_s=min(WITHOUT_S, limits.outage_s))
        self._pools = {name: make(name, limits) for name in needed} | {name: make(name, shorter) for name in others}

    def ask(self, name: str, call: Call[T], prompt: object) -> Awaitable[T]:
        """As `CalledPool.ask`."""
        return self._pools[name].ask(call, prompt)

    def is_given_up(self, name: str) -> bool:
        """Whether a pool has answered nothing for too long and no trial is due. False for an unknown pool."""
        return name in self._pools and self._pools[name].given_up

    def pauses(self) -> tuple[Pause, ...]:
        """The pauses of all pools that calls wait for."""
        return tuple(pause for pool in self._pools.values() if (pause := pool.pause()) is not None)

    def failures(self) -> tuple[CallFailures, ...]:
        """How many calls have failed so far, by pool and kind of error."""
        return tuple(
            CallFailures(name, kind, count)
            for name, pool in self._pools.items()
            for kind, count in pool.health.failures.items()
        )

    def flows(self) -> tuple[PoolFlow, ...]:
        """Calls in flight and ended, of every pool that has been called. They count before their attempts end."""
        called = ((name, pool) for name, pool in self._pools.items() if pool.in_flight or pool.ended)
        return tuple(PoolFlow(name, pool.in_flight, pool.ended) for name, pool in called)
