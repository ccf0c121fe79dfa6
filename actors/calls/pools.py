"""All pools and gates that one conductor calls. Law: one that no order can do without is waited for as long as the run
allows, any other no longer than it takes to know that it is away."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from msgspec.structs import replace

from actors.calls.health import HealthLimits
from actors.calls.retry import Call, CalledPool
from schemas.stages import CallFailures, Pause, PoolFlow

T = TypeVar("T")

WITHOUT_S = 10.0
"""A pool that orders can do without is waited for so long, at most."""


class Pools:
    """`needed`: by name, those that no order can do without; `make`: one of that name, with those limits."""

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
        """It answers nothing, and no trial is due. False for a pool that is not known."""
        return name in self._pools and self._pools[name].given_up

    def pauses(self) -> tuple[Pause, ...]:
        """Of those that calls wait for."""
        return tuple(pause for pool in self._pools.values() if (pause := pool.pause()) is not None)

    def failures(self) -> tuple[CallFailures, ...]:
        """Of all calls so far, by kind."""
        return tuple(
            CallFailures(name, kind, count)
            for name, pool in self._pools.items()
            for kind, count in pool.health.failures.items()
        )

    def flows(self) -> tuple[PoolFlow, ...]:
        """Calls under way and ended, of every pool that has been called: what one has done is known before its attempts
        have ended."""
        called = ((name, pool) for name, pool in self._pools.items() if pool.in_flight or pool.ended)
        return tuple(PoolFlow(name, pool.in_flight, pool.ended) for name, pool in called)
