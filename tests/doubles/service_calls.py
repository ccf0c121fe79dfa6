"""Calls to a queue service that are under way, and leases as their holders have them."""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from schemas.orders import Lease


class Ask(Struct):
    """A call under way: who asked what, and when it is to be answered at the latest."""

    task: asyncio.Task[Any]
    check: Callable[[Any], None]
    conductor: str | None = None
    until: float | None = None
    cancelled: bool = False


class Given(Struct, frozen=True):
    """A lease as somebody holds it, and by whom it is worked on."""

    lease: Lease
    conductor: str
