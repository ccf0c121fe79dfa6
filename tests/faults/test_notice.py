"""A spot notice: the node's replicas are made elsewhere, end what they have, and go before the node does."""

from pathlib import Path

import pytest

from tests.faults.attack import Accepted, Attack
from tests.faults.cluster import ThreeNodes, end

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_a_node_that_is_given_notice_costs_nothing(
    nodes: ThreeNodes, corpus: Path, undisturbed: Accepted, tmp_path: Path
) -> None:
    """No generation is made twice, nothing differs from an undisturbed run, and the node is empty when it is taken."""
    attack = Attack(nodes, corpus, tmp_path, median_s=0.5)
    attack.hold_nothing()
    attack.start()
    try:
        raylet = attack.send_away(notice_s=120)
        attack.sees(lambda: attack.generators(raylet) == 0, "a node without generators")
        end(raylet, *raylet.children(recursive=True))
        nodes.add_node()
        attack.complete()
    finally:
        attack.stop()
    attack.prove(undisturbed)
    made = attack.requests()
    assert len(made) == len(set(made))
