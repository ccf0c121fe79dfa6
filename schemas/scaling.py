"""What the autoscaling policy is told, what it says, and what it keeps in between. Facts of one moment, no clock.

Pools here are everything that holds a model: generator pools by name, and the gates `faithfulness` and `reward`.
"""

from enum import Enum

from msgspec import Struct


class Why(Enum):
    """What a decision on one pool's replicas rests on."""

    STEADY = "steady"
    """As many as its work needs, or within the band around that."""
    WORK = "work"
    """More work than its replicas do in the horizon."""
    LESS_WORK = "less_work"
    """Fewer would have done for the whole cool-down."""
    NO_WORK = "no_work"
    """Nothing to do for the whole cool-down."""
    GAVE_WAY = "gave_way"
    """Another pool is the bottleneck and needs its accelerators."""
    BUDGET = "budget"
    """It needs more, and no accelerator is free."""
    START_LIMIT = "start_limit"
    """It needs more, and as many replicas as may start at once are starting."""
    MAXIMUM = "maximum"
    """It needs more than its own bound."""


class Idle(Enum):
    """Why a pool's replicas are not full."""

    BUSY = "busy"
    """They are."""
    NO_WORK = "no_work"
    """Nothing is ready to be worked on."""
    BACKPRESSURE = "backpressure"
    """Work waits, and another pool holds it up (or the conductors carry no more)."""
    BUDGET = "budget"
    """The token budget is spent, or no accelerator is free for its first replica."""
    BREAKER = "breaker"
    """Its server fails; the circuit breaker is open."""
    STARTING = "starting"
    """Its replicas load their models."""


class PoolSignals(Struct, frozen=True):
    """Facts of one pool. A replica's rate is None until one has been measured."""

    calls_per_attempt: float
    """Calls an attempt makes to this pool: 1 for the generator, perhaps 0.05 for one that repairs escalate to."""
    tokens_per_call: float
    tokens_per_s: float | None
    """Of one replica with all its slots taken."""
    slots: int
    """Requests that a replica computes at once."""
    running: float
    """Requests in its replicas, or waiting in front of them."""
    ready: int
    starting: int
    draining: int
    start_s: float
    """From the wish for a replica to its first request."""
    assumed_s: float = 1.0
    """A call's time in a full replica, until a rate has been measured."""
    kv_used: float = 0.0
    """Share of the KV cache taken, mean over replicas; 0 where an engine has none."""
    breaker_open: bool = False


class Signals(Struct, frozen=True):
    """The whole run at one moment: the queue's backlog, what rejections add to it, and every pool."""

    ready: int
    leased: int
    waiting: int
    """Outstanding orders by state."""
    oldest_s: float
    """Age of the oldest ready order. For display: it says no more than backlog and rate, and late."""
    requeued: float
    """Share of attempts whose order comes back for another one."""
    max_attempts: int
    pools: dict[str, PoolSignals]
    budget_spent: bool = False
    """The token budget: nothing more will be leased."""
    unread: bool = False
    """The queue is full and the corpus goes on: the backlog is larger than can be seen."""

    @property
    def outstanding(self) -> int:
        return self.ready + self.leased + self.waiting


class PoolBounds(Struct, frozen=True):
    """Bounds of one pool, and what one of its replicas takes of the shared accelerators."""

    min: int
    max: int
    accelerators: float


class ScalingLimits(Struct, frozen=True):
    """Bounds of the policy. `accelerators`: of all pools, draining replicas included; infinite for no bound."""

    pools: dict[str, PoolBounds]
    accelerators: float
    cooldown_s: float
    rebalance_s: float
    """So long a pool may lack accelerators before another that has more than its share gives way."""
    max_starting: int
    """Replicas that may load their models at once."""
    horizon_s: float
    """A replica is worth starting for so many seconds of work; never less than three times what it takes to start."""


class PoolDecision(Struct, frozen=True):
    """How many replicas a pool shall have, how many its work needs, and why."""

    wanted: int
    before: int
    needed: float
    why: Why
    idle: Idle


class ScalingDecision(Struct, frozen=True):
    """One decision on every pool, at the moment `at`."""

    at: float
    pools: dict[str, PoolDecision]


class Peak(Struct, frozen=True):
    """The highest need since `at` that no later one has reached."""

    at: float
    replicas: int


class Move(Enum):
    """Which way a pool went last."""

    UP = "up"
    DOWN = "down"


class PoolMemory(Struct, frozen=True):
    """`peaks`: needs of the last cool-down, falling, so that the first is the highest. `last`: None before any move."""

    wanted: int
    peaks: tuple[Peak, ...]
    last: Move | None = None


class ScalingMemory(Struct, frozen=True):
    """What the policy must know of the past. Since when another split of the accelerators would save much
    (`short_since`) or a little (`uneven_since`) of the run's time."""

    pools: dict[str, PoolMemory] = {}
    short_since: float | None = None
    uneven_since: float | None = None
