"""One hop to a model, retried within bounds. Law: this is the only layer that retries a failed hop.

Engines, clients and replicas report an error once, with what may be done about it; here it is decided whether and when
to try again. A permanent error is not retried; an overloaded one waits as long as the other side asked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

from msgspec import Struct

from schemas.errors import ErrorKind, HopError

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

LONGEST_DELAY_S = 30.0
"""A server may ask for more; the lease would end before."""


class RetryLimits(Struct, frozen=True):
    """Bounds of one hop: `retries` further tries, `timeout_s` for each."""

    retries: int = 3
    timeout_s: float = 300.0
    base_delay_s: float = 0.25


def delay_s(error: HopError, tries: int, *, base_delay_s: float, random: Random) -> float:
    """Seconds before try number `tries + 1`: the error's own hint, else exponential with full jitter."""
    if error.retry_after_s is not None:
        return min(LONGEST_DELAY_S, error.retry_after_s * (1 + 0.1 * random.random()))
    return min(LONGEST_DELAY_S, base_delay_s * 2 ** (tries - 1)) * (0.5 + random.random() / 2)


async def hop(call: Callable[[], Awaitable[T]], limits: RetryLimits, *, sleep: Sleep, random: Random) -> T:
    """The call's result. Raises the last HopError when its tries are used up or it is permanent."""
    tries = 0
    while True:
        tries += 1
        try:
            async with asyncio.timeout(limits.timeout_s):
                return await call()
        except TimeoutError:
            error = HopError(ErrorKind.RETRYABLE, f"no answer within {limits.timeout_s:g} s")
        except HopError as failed:
            error = failed
        if error.kind is ErrorKind.PERMANENT or tries > limits.retries:
            raise error
        await sleep(delay_s(error, tries, base_delay_s=limits.base_delay_s, random=random))
