"""Nodes die while a run starts its models: that is no fault of a model, and ends no run."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from deployments.config.load import to_yaml
from schemas.config import FRESH_POOL
from schemas.config_deployed import Replicas
from tests.doubles.gates import changed_gate
from tests.faults.attack import Accepted, Attack
from tests.faults.cluster import ThreeNodes, end

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_nodes_that_die_while_models_start(
    nodes: ThreeNodes, corpus: Path, undisturbed: Accepted, tmp_path: Path
) -> None:
    """Each of two generators takes a whole node, and both nodes beside the head die before Ray knows of it: Serve gives
    the pool up after two replicas that never ran, and the run asks for it again. The gates take no CPU: one that came
    to a new node first would leave no whole node for a generator."""
    attack = Attack(nodes, corpus, tmp_path)
    pool = replace(attack.config.pools[FRESH_POOL], replicas=Replicas(min=2, max=2, num_cpus=8))
    attack.config = replace(attack.config, pools={FRESH_POOL: pool})
    for name in attack.config.gates:
        attack.config = changed_gate(attack.config, name, replicas=Replicas(num_cpus=0))
    (tmp_path / "run.yaml").write_text(to_yaml(attack.config))
    attack.hold_nothing()
    attack.start()
    try:
        attack.sees(lambda: attack.launch is not None, "the launch")
        raylets = nodes.workers()
        end(*raylets, *(each for raylet in raylets for each in raylet.children(recursive=True)))
        for _ in raylets:
            nodes.add_node()
        attack.complete()
    finally:
        attack.stop()
    attack.prove(undisturbed)
