"""What the workers of a Ray that starts here have imported when they are forked. Light: no ray, no torch."""

from pathlib import Path

from schemas.config import RunConfig, deployed
from schemas.config_engines import HttpEngine, TransformersEngine

WORKER = Path(__file__).with_name("worker.py")
ALWAYS = (
    "deployments.ray.actors",
    "deployments.ray.conductor",
    "deployments.serve.deployments",
    "ray.serve._private.controller",
    "ray.serve._private.replica",
)
"""What a run's processes import, whatever its models."""


def needed(config: RunConfig) -> tuple[str, ...]:
    """What the run's processes import."""
    return (*ALWAYS, *of_models(config))


def of_models(config: RunConfig) -> tuple[str, ...]:
    """What of it the models want. vLLM is no part of it: it imports in processes of its own."""
    engines = {type(each.part.engine) for each in deployed(config)}
    by_engine = {TransformersEngine: "deployments.engines.transformers", HttpEngine: "deployments.engines.http"}
    return tuple(module for engine, module in by_engine.items() if engine in engines)
