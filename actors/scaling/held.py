"""Counts how long a run's replicas hold accelerators. Pure: times are passed in."""

from collections.abc import Mapping

from msgspec import Struct

from actors.scaling.measure import PoolFacts
from schemas.bill import Accelerator, HeldTime


class ReplicaSize(Struct, frozen=True):
    """What each replica of a role takes: so many GPUs, or CPUs."""

    accelerator: Accelerator
    amount: float


class AcceleratorClock:
    """The clock. Replicas that load or drain hold what they take, as those that work do."""

    def __init__(self, sizes: Mapping[str, ReplicaSize]) -> None:
        """`sizes`: by role."""
        self._sizes = sizes
        self._at: float | None = None
        self._held = dict.fromkeys(sizes, 0.0)
        self._busy = dict.fromkeys(sizes, 0.0)

    def tick(self, at: float, pools: Mapping[str, PoolFacts]) -> None:
        """Counts the time since the last call, as if the replicas had been those of now. `at` in seconds."""
        passed = 0.0 if self._at is None else max(0.0, at - self._at)
        self._at = at
        for role, facts in pools.items():
            amount = self._sizes[role].amount
            self._held[role] += passed * amount * (facts.ready + facts.starting + facts.draining)
            slots = facts.ready * facts.slots
            self._busy[role] += passed * amount * facts.ready * (min(1.0, facts.running / slots) if slots else 0.0)

    def take(self) -> tuple[HeldTime, ...]:
        """What was counted since the last call of this."""
        rows = tuple(
            HeldTime(role, size.accelerator, self._held[role], self._busy[role])
            for role, size in self._sizes.items()
            if self._held[role]
        )
        self._held, self._busy = dict.fromkeys(self._sizes, 0.0), dict.fromkeys(self._sizes, 0.0)
        return rows
