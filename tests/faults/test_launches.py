"""Launches of one folder on a cluster that outlives them: what one has deployed is neither taken away nor used by
another."""

from pathlib import Path

import pytest

from tests.faults.attack import Accepted, Attack
from tests.faults.cluster import ThreeNodes

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
        before = attack.ended()
        attack.sees(lambda: attack.ended() > before, "work that goes on")
        attack.complete()
    finally:
        attack.stop()
    attack.prove(undisturbed)
