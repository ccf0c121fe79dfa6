"""Leases of a queue that died: they count if their conductor had them when it joined the next one, and not after."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from deployments.ray.handles import BatchLimits, QueueHandle
from schemas.orders import Holding, Lease
from schemas.wire import LEASES
from tests.doubles.conductors import lease


class Queue:
    """Gives scripted answers, in the life that it is in."""

    def __init__(self) -> None:
        self.life, self.leases = "first", [lease(0)]
        self.told: Sequence[Holding] | None = None
        self.lease: Any = SimpleNamespace(remote=self._lease)
        self.join: Any = SimpleNamespace(remote=self._join)
        self.settle: Any = SimpleNamespace(remote=None)

    async def _lease(self, conductor: str, limit: int) -> tuple[str, bytes] | None:
        return None if self.life == "over" else (self.life, LEASES.encode(self.leases[:limit]))

    async def _join(self, conductor: str, holdings: Sequence[Holding]) -> str:
        self.told = holdings
        return self.life


async def given(handle: QueueHandle) -> Sequence[Lease] | None:
    return await handle.lease("c", 8)


async def test_leases_that_were_under_way_when_the_next_queue_was_joined_are_dropped() -> None:
    """The dead one's last message comes late; what the new one gives counts."""
    queue = Queue()
    handle = QueueHandle(queue, BatchLimits())
    assert await given(handle) == [lease(0)]
    queue.life = "second"
    await handle.join("c", (Holding(lease(0).order.id, 1),))
    queue.life = "first"
    assert await given(handle) == []
    queue.life = "second"
    assert await given(handle) == [lease(0)]
    queue.life = "over"
    assert await given(handle) is None


async def test_nothing_counts_while_a_queue_is_joined() -> None:
    """The leases in hand have been reported by then."""
    queue = Queue()
    handle = QueueHandle(queue, BatchLimits())
    await given(handle)

    async def slow(conductor: str, holdings: Sequence[Holding]) -> str:
        assert await given(handle) == []
        return "second"

    queue.join = SimpleNamespace(remote=slow)
    await handle.join("c", ())
    queue.life = "second"
    assert await given(handle) == [lease(0)]
