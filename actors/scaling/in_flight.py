"""How many samples conductors carry when no number is configured and a server's slots are found while it runs. Pure.

Law: calls to the fullest pool are as many as its replicas compute at once and `ROOM` more. So no slot is empty, there
is work for a limit that grows, and no call waits long behind a full server.
"""

import math
from collections.abc import Mapping

from msgspec import Struct

ROOM = 1.5
"""Calls to the fullest pool, for each that it computes. A limit that grows is filled to 0.9 of itself, and doubles less
often than this is decided."""
LEAST = 16
"""Samples in flight in each conductor at least: with fewer, nothing is measured."""
FASTER, SLOWER = 4.0, 0.9
"""The number changes at most by these factors at a time. Down is slow: what waits for a minute is no harm, and a limit
that still grows needs it soon."""


class PoolRoom(Struct, frozen=True):
    """`calls`: to the pool, under way or waiting; `slots`: those that its replicas compute at once, 0: unknown."""

    calls: float
    slots: int


def in_flight(carried: int, before: int, pools: Mapping[str, PoolRoom], *, conductors: int, most: int) -> int:
    """Samples for each conductor. `carried`: in flight in all of them now; `before`: the last answer."""
    fullest = max((pool.calls / pool.slots for pool in pools.values() if pool.slots), default=0.0)
    least = min(LEAST, most)
    if carried == 0 or fullest == 0:
        return max(least, min(most, before))
    wanted = carried * ROOM / fullest / conductors
    if wanted > before and carried < 0.9 * before * conductors:
        return max(least, min(most, before))  # there is no work for more
    bounded = min(before * FASTER, max(before * SLOWER, wanted))
    return max(least, min(most, math.ceil(bounded)))
