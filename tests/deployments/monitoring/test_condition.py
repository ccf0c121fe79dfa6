"""When a run is ready and when it is live, from its last report."""

import json

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from deployments.monitoring.condition import SILENT_S, Serving, liveness, readiness
from deployments.monitoring.progress import Phase, Progress, ReplicaStatus
from schemas.stages import Pause
from tests.deployments.terminal.progresses import play

RUNNING: Progress = replace(play()[3], replicas=(ReplicaStatus("run-generator", "generator", 2, 2, "RUNNING"),))
SECRET = "https://user:sk-123@host:8000/v1 refuses the key sk-123"


def with_replicas(*replicas: ReplicaStatus) -> Progress:
    return replace(RUNNING, replicas=replicas)


def replica(role: str, *, running: int, wanted: int) -> ReplicaStatus:
    return ReplicaStatus(f"run-{role}", role, running, wanted, "RUNNING")


def test_ready_when_every_pool_answers() -> None:
    """One replica of two is enough to be asked."""
    found = readiness(with_replicas(replica("generator", running=1, wanted=2), replica("reward", running=1, wanted=1)))
    assert (found.ok, found.reason) == (True, "")


def test_a_pool_that_wants_no_replica_is_waited_for_by_nobody() -> None:
    """`min: 0` without work: the pool costs nothing and delays nothing."""
    found = readiness(with_replicas(replica("generator", running=1, wanted=1), replica("strong", running=0, wanted=0)))
    assert found.ok


def test_the_pools_that_load_are_named() -> None:
    """The first thing that somebody wants to know who waits for a cluster."""
    found = readiness(with_replicas(replica("generator", running=0, wanted=2), replica("reward", running=1, wanted=1)))
    assert (found.ok, found.reason) == (False, "generator loading")
    assert [pool.state for pool in found.pools.values()] == [Serving.LOADING, Serving.READY]


def test_a_paused_pool_is_named_without_its_servers_words() -> None:
    """A server that goes away makes the run not ready; what it said may hold an address, so it stays inside."""
    (conductor,) = RUNNING.conductors
    paused = replace(conductor, paused=(Pause("generator", since=0.0, why=SECRET),))
    found = readiness(replace(RUNNING, conductors=(paused,)))
    assert (found.ok, found.reason) == (False, "generator paused")
    assert "sk-123" not in json.dumps(to_builtins(found))


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.FINISHING, Phase.DONE])
def test_a_run_that_ends_is_not_ready(phase: Phase) -> None:
    """Nothing new is begun."""
    assert readiness(replace(RUNNING, phase=phase)).reason == f"the run is {phase.value}"


def test_a_run_that_starts_is_live_and_not_ready() -> None:
    """A probe must not kill what loads its first model."""
    assert (readiness(None).ok, liveness(None, 1e6).ok) == (False, True)
    assert readiness(replace(RUNNING, replicas=())).reason == "the run starts"


def test_a_run_that_reports_nothing_is_not_live() -> None:
    """It hangs in Ray, a disk or a lock."""
    assert liveness(RUNNING, SILENT_S - 1).ok
    assert liveness(RUNNING, SILENT_S + 1).reason == f"no report for {SILENT_S + 1:.0f} s"
