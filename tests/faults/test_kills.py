"""kill -9 at random moments of a run on three nodes: whoever dies, nothing is lost, nothing is twice, nothing differs.

Five kills a seed; as many seeds as FAULT_SEEDS says: ten in `.ci/run`, three without a word.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.attack import Accepted, Attack
from tests.faults.cluster import ThreeNodes
from tests.faults.schedule import Target, schedule

pytestmark = [pytest.mark.ray, pytest.mark.slow]

SEEDS = int(os.environ.get("FAULT_SEEDS", "3"))


@pytest.mark.parametrize("seed", range(SEEDS), ids=lambda seed: f"seed-{seed}")
def test_whoever_is_killed_nothing_is_lost(
    nodes: ThreeNodes, corpus: Path, undisturbed: Accepted, request: pytest.FixtureRequest, tmp_path: Path, seed: int
) -> None:
    """verify holds, the accepted samples are those of the undisturbed run, and none was made again after its end."""
    attack = Attack(nodes, corpus, tmp_path)
    kills = schedule(seed)
    again = f"FAULT_SEEDS={seed + 1} python -m pytest tests/faults -k seed-{seed}"
    request.node.add_report_section("call", "to replay", "\n".join([again, *map(str, kills)]))
    attack.start()
    try:
        for number, kill in enumerate(kills):
            attack.strike(kill, reading=any(later.target is Target.READER for later in kills[number:]))
        attack.complete()
    finally:
        attack.stop()
    attack.prove(undisturbed)
    assert attack.generated_again() == []


def test_ten_seeds_kill_everyone_and_forty_times() -> None:
    """What the schedules hold: at least forty kills, and each part at least twice."""
    kills = Counter(kill.target for seed in range(10) for kill in schedule(seed))
    assert kills.total() >= 40
    assert set(kills) == set(Target)
    assert min(kills.values()) >= 2
