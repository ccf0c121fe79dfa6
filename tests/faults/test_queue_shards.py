"""kill -9 of one queue of three: a third of the run waits for it, and nothing is lost, twice or different."""

from pathlib import Path

import pytest

from actors.ledger.folder import Ledgers
from benchmarks.loop import SLOTS
from tests.faults.attack import PASSAGES, Accepted, Attack
from tests.faults.cluster import ThreeNodes
from tests.faults.schedule import Kill, Target

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_one_queue_of_three_is_killed(nodes: ThreeNodes, corpus: Path, undisturbed: Accepted, tmp_path: Path) -> None:
    """verify holds, each ledger has its part, and what was accepted is what a run with one queue accepts."""
    attack = Attack(nodes, corpus, tmp_path, shards=3)
    attack.start()
    try:
        attack.strike(Kill(after=0.3, target=Target.QUEUE, which=0.5))
        attack.complete()
    finally:
        attack.stop()
    attack.prove(undisturbed)
    assert attack.generated_again() == []
    with Ledgers(attack.output) as ledgers:
        parts = [len(ledger.orders_like("", 1000)) for ledger in ledgers.each]
    assert len(parts) == 3 and sum(parts) == PASSAGES * SLOTS
    assert all(sum(parts) / 5 < part < sum(parts) / 2 for part in parts)
