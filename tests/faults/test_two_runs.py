"""Two runs with different models on one joined cluster, disturbed, killed, started again, one of them reconfigured:
nothing is lost, and no sample is said to be another model's than the one that made it.

As many seeds as TWO_RUNS_SEEDS says: two in `.ci/run`, one without a word.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.cluster import ThreeNodes
from tests.faults.schedule import Target
from tests.faults.two_runs import HURT, Side, plan

SEEDS = int(os.environ.get("TWO_RUNS_SEEDS", "1"))


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS), ids=lambda seed: f"seed-{seed}")
def test_every_sample_is_of_the_model_in_its_lineage(
    nodes: ThreeNodes, corpus: Path, request: pytest.FixtureRequest, tmp_path: Path, seed: int
) -> None:
    """Replicas of a dead launch, of the other run and of the configuration before stay loaded for a while: none of them
    answers in another's name."""
    planned = plan(seed)
    again = f"TWO_RUNS_SEEDS={seed + 1} python -m pytest tests/faults/test_two_runs.py -k seed-{seed}"
    request.node.add_report_section("call", "to replay", f"{again}\n{planned}")
    sides = (
        Side(nodes, corpus, tmp_path / "first", "almanac-s", attempts=1),
        Side(nodes, corpus, tmp_path / "second", "gazette", attempts=4),
    )
    try:
        for side in sides:
            side.start()
        for blow in planned.before:
            sides[blow.run].strike(blow.kill)
        sides[0].reconfigure("almanac-l", dies=planned.dies)
        for blow in planned.after:
            sides[blow.run].strike(blow.kill)
        for side in sides:
            side.end()
    finally:
        for side in sides:
            side.stop()
    for side in sides:
        side.prove_lineage()


def test_twenty_seeds_hit_everything_in_both_runs() -> None:
    """What the plans hold: six blows each, a driver's death in every one, and each part at least twice."""
    plans = [plan(seed) for seed in range(20)]
    blows = [blow for each in plans for blow in (*each.before, *each.after)]
    assert len(blows) == 120
    assert all(any(blow.kill.target is Target.DRIVER for blow in (*each.before, *each.after)) for each in plans)
    kills = Counter(blow.kill.target for blow in blows)
    assert set(kills) == {*HURT, Target.DRIVER, Target.NODE} and min(kills.values()) >= 2
    assert {blow.run for blow in blows if blow.kill.target is Target.DRIVER} == {0, 1}
    assert {each.dies for each in plans} == {True, False}
