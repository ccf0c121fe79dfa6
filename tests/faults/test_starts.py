"""Nodes die while a run starts its models: that is no fault of a model, and ends no run."""

from pathlib import Path

import pytest

from tests.faults.attack import Accepted, Attack
from tests.faults.cluster import ThreeNodes, end

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_nodes_that_die_while_models_start(
    nodes: ThreeNodes, corpus: Path, undisturbed: Accepted, tmp_path: Path
) -> None:
    """Both nodes beside the head go when replicas have been placed there and none of them runs: Serve gives such a pool
    up after two that never ran."""
    attack = Attack(nodes, corpus, tmp_path)
    attack.hold_nothing()
    attack.start()
    try:
        attack.sees(lambda: bool(attack.replicas()), "the first replica's process")
        raylets = nodes.workers()
        end(*raylets, *(each for raylet in raylets for each in raylet.children(recursive=True)))
        for _ in raylets:
            nodes.add_node()
        attack.complete()
    finally:
        attack.stop()
    attack.prove(undisturbed)
