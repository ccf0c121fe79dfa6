"""What a run held and what it cost: accelerators by role, and money by the prices of the configuration."""

from enum import Enum

from msgspec import Struct

from schemas.distributions import AttemptEnd
from schemas.measures import TotalSeconds

HOUR_S = 3600.0


class Accelerator(Enum):
    """What a run's models take: GPUs; CPUs in a run where none takes a GPU."""

    GPU = "gpu"
    CPU = "cpu"


class HeldTime(Struct, frozen=True):
    """How long a role's replicas held accelerators, in seconds of one accelerator: loading, working and idle. `busy_s`:
    of these, times the share of the engines' slots that was taken."""

    role: str
    accelerator: Accelerator
    held_s: TotalSeconds
    busy_s: TotalSeconds


class RoleBill(Struct, frozen=True):
    """What one role cost: by tokens, and by the hours that its replicas held accelerators."""

    role: str
    tokens: float
    hours: float

    @property
    def cost(self) -> float:
        return self.tokens + self.hours


class EndBill(Struct, frozen=True):
    """What attempts that ended alike cost. Time that no call took, such as loading, is in none."""

    end: AttemptEnd
    cost: float


class Bill(Struct, frozen=True):
    """What a run has cost so far, in the unit of its prices. `unpriced`: roles without a price that were asked."""

    roles: tuple[RoleBill, ...]
    ends: tuple[EndBill, ...]
    accepted: float | None
    """Of each accepted sample, with all that was spent on others; None before the first."""
    unpriced: tuple[str, ...] = ()

    @property
    def cost(self) -> float:
        return sum(role.cost for role in self.roles)
