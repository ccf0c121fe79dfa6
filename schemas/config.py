"""A run is one YAML file, decoded strictly into this tree. Unknown keys, wrong types and impossible values are refused.

Each section has a module of its own; everything about a key stands at its field (`schemas.config_base`). Light to
import: no torch, no ray. This module is the root of the tree, and others import the sections from here.
"""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Struct

from schemas.config_base import Config, Name, Natural, any_resume, never, replay, section
from schemas.config_bounds import Budget, Conductors, Dataset, Queue, Scaling, Stopping
from schemas.config_corpus import Chunking, Corpus
from schemas.config_credit import Credit
from schemas.config_deployed import Deployed, Replicas
from schemas.config_engines import CustomEngine, Engine, HttpEngine, TransformersEngine, VllmEngine
from schemas.config_gates import (
    Classifier,
    EmbedderModel,
    Exact,
    GateModel,
    Gates,
    Judging,
    LikelihoodJudge,
    LlmJudge,
    Provenance,
    Retrieved,
    TokenJudge,
    Unseen,
    Verifier,
    gate_models,
)
from schemas.config_probes import Probing
from schemas.config_publish import Publish
from schemas.config_recovery import Recovery
from schemas.config_storage import Storage
from schemas.config_tasks import GroundedAnswer, Math, SamplingDefaults, Task
from schemas.config_trackers import Trackers
from schemas.vectors import EMBEDDER

__all__ = [
    "FRESH_POOL",
    "Budget",
    "Chunking",
    "Classifier",
    "Conductors",
    "Corpus",
    "Credit",
    "CustomEngine",
    "Dataset",
    "EmbedderModel",
    "Engine",
    "Exact",
    "GateModel",
    "Gates",
    "GroundedAnswer",
    "HttpEngine",
    "Judging",
    "LikelihoodJudge",
    "LlmJudge",
    "Math",
    "Pool",
    "Probing",
    "Provenance",
    "Publish",
    "Queue",
    "Recovery",
    "Replicas",
    "Retrieved",
    "RunConfig",
    "SamplingDefaults",
    "Scaling",
    "Stopping",
    "Task",
    "TokenJudge",
    "TransformersEngine",
    "Unseen",
    "Verifier",
    "VllmEngine",
]


class Pool(Deployed, frozen=True):
    """A named generator pool."""


class RunConfig(Config, frozen=True):
    """A whole run."""

    corpus: Annotated[Corpus, section("Documents in.")]
    task: Annotated[Task, never("What is made of each passage or problem.")]
    pools: Annotated[dict[str, Pool], section("Generator pools by name; `generator` is where fresh orders go.")]
    gates: Annotated[
        Gates,
        replay(
            "What every sample must pass, by names; `{}`: nothing but the checks that every run has (docs/gates.md)."
        ),
    ]
    name: Annotated[Name, any_resume("Shown while it runs, and in its report.")] = "run"
    seed: Annotated[Natural, never("Changes every draw that an engine can seed; same seed, same ids.")] = 0
    judging: Annotated[Judging, section("How gates are asked.")] = Judging()
    recovery: Annotated[Recovery, section("What happens to rejected samples.")] = Recovery()
    credit: Annotated[
        Credit | None, replay("Rejected solutions are credited step by step, and restarted where they broke (math).")
    ] = None
    probes: Annotated[Probing, section("Labelled samples sent through the live gates, to measure them.")] = Probing()
    queue: Annotated[Queue, section("Bounds of what is outstanding.")] = Queue()
    conductors: Annotated[Conductors, section("How much is in flight.")] = Conductors()
    scaling: Annotated[Scaling, section("How many replicas are kept for the work there is.")] = Scaling()
    budget: Annotated[Budget, section("When to stop spending.")] = Budget()
    stop: Annotated[Stopping, section("When there is enough.")] = Stopping()
    dataset: Annotated[Dataset, section("How output is cut into files.")] = Dataset()
    publish: Annotated[
        Publish | None, any_resume("A dataset of the Hugging Face Hub that gets the samples (docs/push.md).")
    ] = None
    storage: Annotated[Storage, section("How a run in an object store is shipped there.")] = Storage()
    trackers: Annotated[Trackers, section("Where the run is shown besides its own pages (docs/trackers.md).")] = (
        Trackers()
    )
    ray_address: Annotated[
        str | None,
        any_resume("An existing cluster (`auto`, `ray://…`); without one, Ray starts inside this process tree."),
    ] = None


FRESH_POOL = "generator"


class DeployedPart(Struct, frozen=True):
    """A part of a run that has a deployment of its own. `path`: of its key; `role`: its name in stages, metrics and
    autoscaling."""

    path: str
    role: str
    part: Deployed


def deployed(config: RunConfig) -> Iterator[DeployedPart]:
    """Every pool, every gate that is a model, and the embedder."""
    for name, pool in config.pools.items():
        yield DeployedPart(f"pools.{name}", name, pool)
    for name, gate in gate_models(config.gates).items():
        yield DeployedPart(f"gates.{name}", name, gate)
    if config.judging.embedder is not None:
        yield DeployedPart("judging.embedder", EMBEDDER, config.judging.embedder)
