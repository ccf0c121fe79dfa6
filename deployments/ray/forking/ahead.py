"""Imports for the workers of a Ray that is about to start, while the command reads and imports for itself.

Light: neither Ray nor a library of models, so that it can begin first.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deployments.ray.forking.worker import AHEAD, PLACE, PRELOADED
from deployments.ray.settings import of_a_ray_that_starts_here
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
    """What the run's processes import. vLLM is no part of it: it imports in processes of its own."""
    engines = {type(each.part.engine) for each in deployed(config)}
    by_engine = {TransformersEngine: "deployments.engines.transformers", HttpEngine: "deployments.engines.http"}
    return (*ALWAYS, *(module for engine, module in by_engine.items() if engine in engines))


@contextmanager
def forking_ahead(config: RunConfig) -> Iterator[None]:
    """For the length of a run that starts a Ray: a process that its workers are forked from has begun to import.

    Without it, or where it fails, the first worker does the same.
    """
    if config.ray_address is not None:
        yield
        return
    with TemporaryDirectory(prefix="forks-", ignore_cleanup_errors=True) as folder:
        os.environ[PLACE] = str(Path(folder) / "door")
        environment = {**of_a_ray_that_starts_here(dict(os.environ)), PRELOADED: ",".join(needed(config))}
        process = subprocess.Popen(
            [sys.executable, WORKER, AHEAD], env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield
        finally:
            del os.environ[PLACE]
            process.kill()
            process.wait()
