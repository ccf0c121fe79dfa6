"""How much work runs at once, how long it may take, what it may cost, and how output is cut into files.

Law: nothing here changes a sample, except the number of queue shards, which is fixed for a folder.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from msgspec import Meta, field

from schemas.config_base import Config, Factory, MoreThanNone, Options, Positive, Seconds, any_resume, never
from schemas.queue_shard import MOST_SHARDS
from schemas.stop import Quotas

InFlight = Annotated[int, Meta(ge=1, le=8192)]


class Queue(Config, frozen=True):
    """How many orders are outstanding at once."""

    gone: ClassVar[Mapping[str, str]] = {
        "lease_s": "leave it out; an order is leased for outage_s and twice hop_timeout_s of conductors",
        "fresh_share": "leave it out; a quarter of what is handed out while repairs wait is fresh orders",
    }

    capacity: Annotated[int, any_resume("Outstanding orders; the corpus reader waits beyond it.", ge=1)] = 20_000
    shards: Annotated[
        int,
        never(
            "Queues side by side, each with a ledger, a writer and conductors of its own; a folder keeps its number.",
            ge=1,
            le=MOST_SHARDS,
        ),
    ] = 1


class Conductors(Config, frozen=True):
    """How many conductors there are, how many samples each carries, and how often a failed call is tried again."""

    count: Annotated[int, any_resume("Processes; one carries about 2,000 attempts a second.", ge=1, le=256)] = 1
    concurrency: Annotated[
        InFlight | None,
        any_resume(
            "Samples in flight in each. Without it 256, or fewer where a `transformers` engine writes: as many as its "
            "replicas compute at once, since what waits behind a full batch may wait longer than hop_timeout_s; with "
            "an `http` engine without a number, 256 at first, then as many as fill the slots that are found."
        ),
    ] = None
    hop_retries: Annotated[
        int,
        any_resume("Further tries of one failed hop before the order ends as engine_error or gate_error.", ge=0, le=16),
    ] = 2
    hop_timeout_s: Annotated[Seconds, any_resume("Longest wait for one answer of a pool or gate, in seconds.")] = 300.0
    outage_s: Annotated[
        Seconds,
        any_resume(
            "A pool or gate that answers nothing for so long, in seconds, stops the run with exit code 3, "
            "its orders outstanding; a pool that only repairs go to is done without after ten."
        ),
    ] = 600.0

    @property
    def lease_s(self) -> float:
        """How long a lease lasts, in seconds; then another conductor may get the order. A lease outlasts the longest
        outage that a run waits for, with a call before it and a call after it."""
        return self.outage_s + 2 * self.hop_timeout_s


class Scaling(Config, frozen=True):
    """How pools whose `replicas.min` and `.max` differ grow and shrink with the work."""

    accelerators: Annotated[
        MoreThanNone | None,
        any_resume(
            "GPUs that all pools and gates may hold together (CPUs, if none takes a GPU); without it, each "
            "up to its `max`."
        ),
    ] = None
    cooldown_s: Annotated[
        Seconds, any_resume("A replica is taken away when it was not needed for so many seconds.")
    ] = 60.0
    horizon_s: Annotated[
        Seconds,
        any_resume(
            "A replica is added for so many seconds of work, or for three times what one takes to start if "
            "that is longer."
        ),
    ] = 30.0
    max_starting: Annotated[Positive, any_resume("Replicas that load their models at the same time.")] = 1024


class Stopping(Config, frozen=True):
    """When the run has enough, though its corpus may have more (docs/stopping.md)."""

    accepted: Annotated[
        Positive | None, any_resume("Exactly so many samples; the orders that are left then are not needed.")
    ] = None
    accepted_of: Annotated[
        dict[str, dict[str, Positive]],
        any_resume(
            "In place of `accepted`, quotas: exactly so many samples of each value of one variable of `task.vary`, as "
            "`{difficulty: {easy: 300, hard: 200}}`; values that are not named are not needed."
        ),
    ] = field(default_factory=dict)
    orders: Annotated[
        Positive | None, any_resume("At most so many orders; those that are issued go on to their ends.")
    ] = None

    @property
    def quotas(self) -> Quotas | None:
        """`accepted_of`; None without it."""
        return next((Quotas(axis, each) for axis, each in self.accepted_of.items()), None)

    @property
    def samples(self) -> int | None:
        """The accepted samples that the run is to end with; None: no such number."""
        return self.accepted if self.quotas is None else sum(self.quotas.each.values())


class Budget(Config, frozen=True):
    """When it is spent, no attempt starts any more, and orders that no conductor works on end as `budget`."""

    tokens: Annotated[Positive | None, any_resume("Generator and gate tokens together.")] = None
    cost: Annotated[MoreThanNone | None, any_resume("By the prices of pools and gates (docs/bill.md).")] = None


class SinkConfig(Config, frozen=True):
    """A destination of accepted rows besides the folder (docs/sinks.md)."""

    factory: Annotated[Factory, any_resume("Gives an object whose `deliver` is given each closed shard.")]
    options: Annotated[
        Options, any_resume("Given to the factory by name. No secrets: name an environment variable.")
    ] = field(default_factory=dict)


class Dataset(Config, frozen=True):
    """How large a shard of the output is, and how long its rows may wait."""

    rows_per_shard: Annotated[Positive, any_resume("A shard is written when it has so many rows.")] = 5_000
    flush_s: Annotated[Seconds, any_resume("A shard is written at the latest when its oldest row is this old.")] = 30.0
    sinks: Annotated[
        dict[str, SinkConfig],
        any_resume("By names of yours: each is given every shard of accepted rows (docs/sinks.md)."),
    ] = field(default_factory=dict)
