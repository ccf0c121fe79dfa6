"""Launches of one folder on a cluster that outlives them: what one has deployed is neither taken away nor used by
another."""

from pathlib import Path

import pytest

from tests.faults.attack import Accepted, Attack
from tests.faults.cluster import ThreeNodes
from tests.faults.schedule import Kill, Target

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_the_same_command_twice_leaves_the_first_run_alone(
    nodes: ThreeNodes, corpus: Path, undisturbed: Accepted, tmp_path: Path
) -> None:
    """A second terminal, or a cron job, gives the command of a run that goes on: it is refused in one line, and the
    run keeps its models and comes to its end."""
    attack = Attack(nodes, corpus, tmp_path)
    attack.start()
    try:
        attack.sees(lambda: attack.ended() > 0, "the first order's end")
        models = attack.replicas()
        assert "another run is writing here" in attack.refused()
        assert models.items() <= attack.replicas().items()
        attack.complete()
    finally:
        attack.stop()
    attack.prove(undisturbed)


def test_no_replica_of_a_killed_launch_answers_the_next(
    nodes: ThreeNodes, corpus: Path, undisturbed: Accepted, tmp_path: Path
) -> None:
    """kill -9 of the driver leaves its models on the cluster, loaded as its configuration said. The same command takes
    them away before anything is asked, and asks its own."""
    attack = Attack(nodes, corpus, tmp_path)
    attack.start()
    try:
        attack.sees(lambda: attack.ended() > 0, "the first order's end")
        killed, dead = attack.launch, attack.replicas()
        assert dead
        attack.strike(Kill(after=0.0, target=Target.DRIVER, which=0.0))
        attack.sees(lambda: attack.launch != killed, "the next launch")  # the last of the dead one has ended by now
        before = attack.ended()
        attack.sees(lambda: attack.ended() > before, "work that goes on")
        now = attack.replicas()
        assert now and not set(now) & set(dead)
        assert not set(now.values()) & set(dead.values())
        attack.complete()
    finally:
        attack.stop()
    attack.prove(undisturbed)
    assert not attack.replicas()
