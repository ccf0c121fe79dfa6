"""Workers that are forked: where they come from, that they draw different ids, and that all works without it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest
import ray

from deployments.ray.forking.worker import PRELOADED

pytestmark = [pytest.mark.ray, pytest.mark.slow]
ROOT = Path(__file__).parents[3]
WORKERS = 4
WITHIN_S = 60
WITHOUT = """
import os, psutil, ray
from deployments.ray.cluster import cluster
with cluster(None, needed=("no_such_module",)):
    parent = ray.remote(num_cpus=0)(lambda: psutil.Process(os.getppid()).name())
    print(ray.get([parent.remote() for _ in range(3)]))
"""
EARLY = """
import os, sys
import msgspec, psutil, ray
from deployments.ray.cluster import cluster
from deployments.ray.forking.early import imported_early
from schemas.config import RunConfig
config = msgspec.yaml.decode(open("examples/quickstart.yaml").read(), type=RunConfig)

def of_a_worker():
    parent = psutil.Process(os.getppid())
    return "forking.early" in " ".join(parent.cmdline()), parent.ppid(), "torch" in sys.modules

with imported_early(config), cluster(None):
    early, parent, has_torch = ray.get(ray.remote(num_cpus=0)(of_a_worker).remote())
    print(early, parent == os.getpid(), has_torch)
print(psutil.Process().children(), "GLEANER_EARLY" in os.environ)
"""
STOPPED = """
import os
import psutil, ray
from deployments.ray.cluster import cluster
with cluster(None):
    pid = ray.get(ray.remote(num_cpus=0)(lambda: os.getpid()).remote())
    worker = psutil.Process(pid)
    worker.suspend()
worker.wait(20)
"""
WAITING = """
import sys, time
import msgspec
from deployments.ray.forking.early import imported_early
from schemas.config import RunConfig
with imported_early(msgspec.yaml.decode(open("examples/quickstart.yaml").read(), type=RunConfig)):
    print("it has begun", flush=True)
    time.sleep(60)
"""
DRAWN_BEFORE = """
import ray
from deployments.ray.forking.worker import prepare
prepare([])
ray.UniqueID.from_random()
prepare([])
"""

TOUCHED = """
import torch
torch.cuda._is_in_bad_fork = lambda: True
from deployments.ray.forking.worker import prepare
prepare([])
"""


class Drawing:
    """What a worker says of itself."""

    def drawn(self) -> list[str]:
        """Ids of its first thread, of another one, and of an object that it puts."""
        found: list[str] = []
        other = Thread(target=lambda: found.append(ray.UniqueID.from_random().hex()))
        other.start()
        other.join()
        return [*found, ray.UniqueID.from_random().hex(), ray.put(0).hex()]

    def where(self) -> tuple[int, int, str | None]:
        """Its process, its group, and what a variable says there."""
        return os.getpid(), os.getpgid(0), os.environ.get("OF_ONE")


def workers(count: int, variables: dict[str, str] | None = None) -> list[Any]:
    """Handles of actors, which end with them."""
    actor: Any = ray.remote(num_cpus=0)(Drawing)
    return [actor.options(runtime_env={"env_vars": variables or {}}).remote() for _ in range(count)]


def parents(pids: Sequence[int]) -> set[int]:
    return {psutil.Process(pid).ppid() for pid in pids}


def test_workers_come_from_one_that_stays_and_are_told_apart(ray_session: None) -> None:
    """One parent, a child of the raylet; each has its group, its ids, and the environment that it was started with."""
    plain, told = workers(WORKERS), workers(1, {"OF_ONE": "told"})
    drawn = [each for ids in ray.get([worker.drawn.remote() for worker in plain]) for each in ids]
    assert len(set(drawn)) == len(drawn) == 3 * WORKERS
    said = ray.get([worker.where.remote() for worker in (*plain, *told)])
    assert [pid for pid, _, _ in said] == [group for _, group, _ in said]
    assert [value for _, _, value in said] == [*[None] * WORKERS, "told"]
    (parent,) = parents([pid for pid, _, _ in said])
    assert "forking/worker.py" in " ".join(psutil.Process(parent).cmdline())
    assert psutil.Process(parent).parent().name() == "raylet"  # pyright: ignore[reportOptionalMemberAccess]


def test_the_death_of_one_is_no_others(ray_session: None) -> None:
    """Ray ends a worker with its process group."""
    first, *others = workers(3)
    before = ray.get([worker.where.remote() for worker in others])
    ray.kill(first)
    assert ray.get([worker.where.remote() for worker in others]) == before
    assert ray.get(workers(1)[0].where.remote())


def test_workers_that_cannot_be_forked_start_as_ray_starts_them() -> None:
    """A module that fails at its import is no reason for a run to fail."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(["raylet"] * 3)
    assert PRELOADED not in os.environ


def test_workers_come_from_one_that_imported_while_ray_started() -> None:
    """It has the models' libraries, lives beside the run, and is gone with it."""
    done = subprocess.run([sys.executable, "-c", EARLY], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True True True", "[] False"]


def test_a_worker_that_does_not_end_by_itself_is_killed() -> None:
    """Ray has ended; what kept the worker, which hears nothing, would keep it for ever."""
    done = subprocess.run([sys.executable, "-c", STOPPED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_one_that_waits_for_a_worker_ends_with_the_run() -> None:
    """kill -9 of a run whose Ray does not stand yet leaves nobody."""
    with subprocess.Popen([sys.executable, "-c", WAITING], cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None and run.stdout.readline().strip() == "it has begun"
        (early,) = psutil.Process(run.pid).children()
        run.kill()
    early.wait(WITHIN_S)


def test_who_stays_proves_that_children_differ() -> None:
    """Ray's generator of ids was used once before a fork: nobody is forked."""
    done = subprocess.run([sys.executable, "-c", DRAWN_BEFORE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "draw the same ids" in done.stderr
    assert '"<string>", line 6' in done.stderr  # the second one refuses, and not the first


def test_who_stays_proves_that_children_can_use_a_gpu() -> None:
    """torch says that an import has touched one, in a double of its answer: this machine has none."""
    done = subprocess.run([sys.executable, "-c", TOUCHED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "use no GPU" in done.stderr
