"""Deployments of pools and of gates with a model: the engine, how many replicas, and the resources of each."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from msgspec.structs import force_setattr, replace

from schemas.config_base import Amount, Config, Natural, Positive, Seconds, any_resume, replay, section
from schemas.config_engines import CustomEngine, Engine, HttpEngine, PoolEngine, VllmEngine

WAITING_CPUS = 0.1
"""CPUs of a replica that only sends requests to a server and waits."""


class Replicas(Config, frozen=True):
    """How many replicas a deployment has, and the resources of each."""

    gone: ClassVar[Mapping[str, str]] = {
        "slots": "leave it out; each engine tells how many requests it computes at once"
    }

    min: Annotated[Natural, any_resume("Kept at all times.")] = 1
    max: Annotated[Positive, any_resume("Added as work waits.")] = 1
    num_cpus: Annotated[
        Amount | None,
        any_resume(
            "Of each replica; a fraction is allowed. Without it 1, or 0.1 for `kind: http`, which only waits for a "
            "server."
        ),
    ] = None
    num_gpus: Annotated[Amount, any_resume("Of each replica; a fraction shares a GPU.")] = 0.0
    accelerator_type: Annotated[str | None, any_resume("A kind of GPU by Ray's name for it, such as `H100`.")] = None
    max_ongoing: Annotated[Positive, any_resume("Samples in a replica at once.")] = 1024
    stall_s: Annotated[
        Seconds,
        any_resume("A replica that holds samples and finishes none for so long, in seconds, is replaced."),
    ] = 240.0
    affinity: Annotated[
        Literal["auto", "none"],
        any_resume(
            "`auto`: requests about one passage go to the replica that has its prefix in its cache, while that saves "
            "work (docs/scaling.md); `none`: to any replica."
        ),
    ] = "auto"

    @property
    def cpus(self) -> float:
        """CPUs of each replica; 1 if the key is not set."""
        return 1.0 if self.num_cpus is None else self.num_cpus


class Price(Config, frozen=True):
    """What a model costs, in a currency of yours: for a server by tokens, for replicas of the run by the hour."""

    prompt_tokens: Annotated[Amount, any_resume("Of a million tokens of prompts.")] = 0.0
    cached_tokens: Annotated[
        Amount | None,
        any_resume("Of a million tokens of prompts that a server took from its cache; without it, as of others."),
    ] = None
    completion_tokens: Annotated[Amount, any_resume("Of a million tokens of completions.")] = 0.0
    accelerator_hour: Annotated[
        Amount,
        any_resume(
            "Of a GPU that a replica holds for an hour, idle or not; of a CPU, in a run where no replica takes a GPU."
        ),
    ] = 0.0


class Deployed(Config, frozen=True):
    """An engine and its replicas. The replicas of an `http` engine take 0.1 CPU by default."""

    engine: Annotated[Engine, replay("What computes: a model in the replica, a server, or your own code.")]
    replicas: Annotated[Replicas, section("How many copies, and what each takes.")] = Replicas()
    price: Annotated[Price | None, any_resume("What it costs; with a price anywhere, the run has a bill.")] = None

    def __post_init__(self) -> None:
        if self.replicas.num_cpus is None and not isinstance(self.engine, PoolEngine):
            waits = isinstance(self.engine, HttpEngine)
            cpus = WAITING_CPUS if waits else self.replicas.cpus
            force_setattr(self, "replicas", replace(self.replicas, num_cpus=cpus))

    @property
    def keeps_prefixes(self) -> bool:
        """Whether there may be several replicas, each with a cache of prefixes of its own, and requests may be sent to
        the one that has theirs. An `http` engine's replicas share a server; transformers keeps no prefixes."""
        if self.replicas.max == 1 or self.replicas.affinity == "none":
            return False
        match self.engine:
            case VllmEngine(engine_args=arguments):
                return bool(arguments.get("enable_prefix_caching", True))
            case CustomEngine():
                return True
            case _:
                return False
