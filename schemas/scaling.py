"""Input, decisions and memory of the autoscaling policy. Facts of one moment, no clock.

Pools here are all parts with a deployment: generator pools, gates with a model of their own, and the embedder.
"""

from enum import Enum

from msgspec import Struct


class Why(Enum):
    """The reason for a decision on one pool's replicas."""

    STEADY = "steady"
    """It has as many as its work needs, or nearly."""
    WORK = "work"
    """It has more work than its replicas do in the horizon."""
    LESS_WORK = "less_work"
    """Fewer replicas would have been enough for the whole cool-down."""
    NO_WORK = "no_work"
    """It had no work for the whole cool-down."""
    GAVE_WAY = "gave_way"
    """Another pool is the bottleneck and needs its accelerators."""
    BUDGET = "budget"
    """It needs more, and no accelerator is free."""
    START_LIMIT = "start_limit"
    """It needs more, and no more replicas may start at once."""
    MAXIMUM = "maximum"
    """It needs more than its own maximum."""


class Idle(Enum):
    """Why a pool's replicas are not full."""

    BUSY = "busy"
    """They are full."""
    NO_WORK = "no_work"
    """No order is ready."""
    BACKPRESSURE = "backpressure"
    """Work waits, and another pool holds it up (or the conductors carry no more)."""
    BUDGET = "budget"
    """The token budget is spent, or no accelerator is free for its first replica."""
    BREAKER = "breaker"
    """Its server fails; the circuit breaker is open."""
    STARTING = "starting"
    """Its replicas are loading their models."""


class PoolSignals(Struct, frozen=True):
    """Facts of one pool."""

    calls_per_attempt: float
    """Calls to this pool by an attempt: 1 for the generator, perhaps 0.05 for a pool that repairs escalate to."""
    tokens_per_call: float
    tokens_per_s: float | None
    """The rate of one replica with all its slots taken; None until it was measured."""
    slots: int
    """Requests that a replica computes at once."""
    running: float
    """Requests in its replicas, or waiting for them."""
    ready: int
    starting: int
    draining: int
    start_s: float
    """Time from the decision for a replica to its first request."""
    assumed_s: float = 1.0
    """The time of a call in a full replica, assumed until a rate was measured."""
    kv_used: float = 0.0
    """Share of the KV cache in use, mean over replicas; 0 for an engine without one."""
    breaker_open: bool = False


class Signals(Struct, frozen=True):
    """The whole run at one moment: the queue's backlog, the share of requeued attempts, and every pool."""

    ready: int
    leased: int
    waiting: int
    """Outstanding orders by state."""
    oldest_s: float
    """Age of the oldest ready order. For display only: backlog and rate say the same, and earlier."""
    requeued: float
    """Share of attempts whose order comes back for another attempt."""
    max_attempts: int
    pools: dict[str, PoolSignals]
    budget_spent: bool = False
    """Whether the token budget is spent: no more orders will be leased."""
    unread: bool = False
    """Whether the queue is full and the corpus has more: then the backlog is larger than the queue shows."""

    @property
    def outstanding(self) -> int:
        return self.ready + self.leased + self.waiting


class PoolBounds(Struct, frozen=True):
    """Limits of one pool's replicas, and the accelerators that one replica takes."""

    min: int
    max: int
    accelerators: float


class ScalingLimits(Struct, frozen=True):
    """Limits of the policy. `accelerators`: of all pools, with draining replicas; infinite: no limit."""

    pools: dict[str, PoolBounds]
    accelerators: float
    cooldown_s: float
    rebalance_s: float
    """How long a pool lacks accelerators before another pool that has more than its share gives way."""
    max_starting: int
    """How many replicas may load their models at once."""
    horizon_s: float
    """A replica is started for this many seconds of work, or for three times its start time if that is longer."""


class PoolDecision(Struct, frozen=True):
    """How many replicas a pool should have, how many its work needs, and why."""

    wanted: int
    before: int
    needed: float
    why: Why
    idle: Idle
    slots: int = 0
    """Requests that each replica computes at once."""


class ScalingDecision(Struct, frozen=True):
    """One decision on every pool, at the moment `at`."""

    at: float
    pools: dict[str, PoolDecision]
    in_flight: int | None = None
    """Samples that each conductor carries, if that follows the slots that are found; None: it is fixed."""


class Peak(Struct, frozen=True):
    """The highest need since `at` that no later one has reached."""

    at: float
    replicas: int


class Move(Enum):
    """The direction of a pool's last change."""

    UP = "up"
    DOWN = "down"


class PoolMemory(Struct, frozen=True):
    """The memory of one pool. `peaks`: needs of the last cool-down, the highest first. `last`: None before any move."""

    wanted: int
    peaks: tuple[Peak, ...]
    last: Move | None = None


class ScalingMemory(Struct, frozen=True):
    """What the policy must know of the past. `short_since`, `uneven_since`: when another split of the accelerators
    began to save much, or a little, of the run's time."""

    pools: dict[str, PoolMemory] = {}
    short_since: float | None = None
    uneven_since: float | None = None
