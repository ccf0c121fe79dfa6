"""Where the seconds to the first accepted sample went: what is reached when, and what each process is for."""

import time

from deployments.monitoring.progress import Phase, Progress, ReplicaStatus
from deployments.terminal.starting import STEPS, StartProfile, kind_of
from schemas.progress import Counts, RunSnapshot, Summary
from schemas.stages import ConductorStatus, PoolFlow


def seen(number: int, at: float) -> Progress:
    """A run at whose look so many of the steps are reached."""
    counts = Counts(accepted=int(number > 6))
    return Progress(
        at=at,
        phase=Phase.STARTING,
        snapshot=RunSnapshot(at=at, summary=Summary(counts)) if number > 2 else None,
        replicas=(
            ReplicaStatus("run-1-pool-generator", "generator", running=int(number > 3), wanted=1, state=""),
            ReplicaStatus("run-1-reward", "reward", running=int(number > 4), wanted=1, state=""),
        ),
        conductors=(
            ConductorStatus("c", in_flight=1, unreported=0, stages=(), pools=(PoolFlow("generator", 1, number // 6),)),
        ),
    )


def test_each_step_has_the_moment_at_which_it_was_first_seen() -> None:
    """And nothing after the first accepted sample changes it."""
    profile = StartProfile()
    began = time.time()
    for number in range(2, 8):
        assert profile.costs == []
        profile(seen(number, began + number))
    profile(seen(7, began + 1000))
    names, seconds = zip(*profile.steps, strict=True)
    assert names == STEPS
    assert [round(each - seconds[0]) for each in seconds] == [0, 2, 3, 4, 5, 6, 7]
    assert any(cost.kind == "the command" and cost.cpu_s > 0 for cost in profile.costs)


def test_processes_are_named_by_what_they_are_for() -> None:
    """Not by how Ray calls them."""
    names = {"run-1-pool-generator": "generator"}
    said = {
        "ray::ServeReplica:run-1-pool-generator:run-1-pool-generator.handle": "replicas of generator",
        "ray::ConductorShell.status": "conductor",
        "ray::launch-1:QueueShell.lease": "queue",
        "ray::DashboardAgent": "dashboardagent",
        "/bin/python /a/forking/worker.py --node-id=1": "what workers are forked from",
        "/bin/python -P -m deployments.ray.forking.early 5 a.b": "what workers are forked from",
        "/bin/python -u /a/ray/dashboard/dashboard.py --host=1": "dashboard",
        "/a/raylet --head": "raylet",
    }
    assert {title: kind_of(title.split(" "), names) for title in said} == said
    assert kind_of([], names) == "ended"
