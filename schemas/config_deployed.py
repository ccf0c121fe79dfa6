"""What an engine and its replicas make up: generator pools and the gates that a model answers."""

from typing import Annotated

from msgspec import Meta
from msgspec.structs import force_setattr, replace

from schemas.config_base import Config, Natural, Positive, Seconds
from schemas.config_engines import CustomEngine, HttpEngine, TransformersEngine, VllmEngine

Engine = VllmEngine | TransformersEngine | HttpEngine | CustomEngine


class Replicas(Config, frozen=True):
    """How many copies of a deployment, and what each takes from the cluster."""

    min: Natural = 1
    """Kept at all times."""
    max: Positive = 1
    """Added as work waits."""
    num_cpus: Annotated[float, Meta(ge=0)] | None = None
    """Of each replica; a fraction is allowed. Without it 1, or 0.1 for `kind: http`, which only waits for a server."""
    num_gpus: Annotated[float, Meta(ge=0)] = 0.0
    """Of each replica; a fraction shares a GPU."""
    accelerator_type: str | None = None
    """A kind of GPU by Ray's name for it, such as `H100`."""
    max_ongoing: Positive = 1024
    """Samples in a replica at once."""
    stall_s: Seconds = 240.0
    """A replica that holds samples and finishes none for so long, in seconds, is replaced."""
    slots: Positive | None = None
    """Requests that a replica computes at once, for autoscaling; without it, the engine's own limit, which replicas
    tell; 64 while none has."""

    @property
    def cpus(self) -> float:
        """Of each replica, where no engine says less."""
        return 1.0 if self.num_cpus is None else self.num_cpus


WAITING_CPUS = 0.1
"""What a replica takes that sends requests to a server and waits."""


class Deployed(Config, frozen=True):
    """Something that an engine and its replicas make up. An `http` engine's replicas take little by default."""

    engine: Engine
    replicas: Replicas = Replicas()

    def __post_init__(self) -> None:
        if self.replicas.num_cpus is None:
            waits = isinstance(self.engine, HttpEngine)
            cpus = WAITING_CPUS if waits else self.replicas.cpus
            force_setattr(self, "replicas", replace(self.replicas, num_cpus=cpus))
