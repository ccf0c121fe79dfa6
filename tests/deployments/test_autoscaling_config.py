"""A configuration's scaling: bounds and prices, slots by engine, and a budget that does not hold one of each."""

import math
from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.loop import configuration
from deployments.autoscaling import in_flight, limits, slots
from deployments.config_rules import broken_rule
from schemas.config import HttpEngine, Pool, Replicas, RunConfig, Scaling, TransformersEngine, VllmEngine
from schemas.progress import RoleCost
from schemas.scaling import PoolBounds
from schemas.stages import ConductorStatus, Stage, StageFlow

PLAIN = configuration(Path("corpus.jsonl"), rejected=0.0, concurrency=64)


def with_pool(name: str, replicas: Replicas) -> RunConfig:
    pool = replace(PLAIN.pools["generator"], replicas=replicas)
    return replace(PLAIN, pools={**PLAIN.pools, name: pool})


def test_a_replica_costs_its_gpus_or_else_its_cpus() -> None:
    """One pool on GPUs: only GPUs are scarce, and the gates on CPUs are free."""
    assert limits(PLAIN).pools["reward"] == PoolBounds(1, 1, 0.1)
    assert limits(PLAIN).accelerators == math.inf
    priced = limits(with_pool("generator", Replicas(min=0, max=8, num_gpus=2)))
    assert priced.pools["generator"] == PoolBounds(0, 8, 2.0)
    assert priced.pools["reward"] == PoolBounds(1, 1, 0.0)


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (Pool(VllmEngine("m", max_num_seqs=17)), 17),
        (Pool(VllmEngine("m")), 64),
        (Pool(TransformersEngine("m", max_batch=9)), 9),
        (Pool(HttpEngine("http://h/v1", "m", concurrency=5)), 5),
        (Pool(HttpEngine("http://h/v1", "m", concurrency=5), Replicas(slots=3)), 3),
    ],
)
def test_slots_are_the_engines_own_limit(pool: Pool, expected: int) -> None:
    """What the configuration says of the replica goes first."""
    assert slots(pool.engine, pool.replicas) == expected


def test_a_budget_that_cannot_hold_one_of_each_is_refused() -> None:
    """Some pool would wait for an accelerator for ever."""
    config = replace(with_pool("large", Replicas(min=0, num_cpus=1)), scaling=Scaling(accelerators=1.2))
    assert broken_rule(config) == (
        "scaling.accelerators: 1.2 is too small: one replica of each pool and gate (or its min) takes 1.3 by their "
        "num_cpus"
    )
    assert broken_rule(replace(config, scaling=Scaling(accelerators=1.3))) is None


def test_calls_under_way_are_told_apart_by_the_seconds_each_pool_took() -> None:
    """Two generator pools, one conductor's count for both: 30 calls, three quarters of the time in the large one."""
    config = with_pool("large", Replicas())
    roles = [RoleCost("generator", 9, 0, 0, 10.0), RoleCost("large", 3, 0, 0, 30.0), RoleCost("reward", 9, 0, 0, 99.0)]
    flows = (StageFlow(Stage.GENERATE, 30, 0, 0.0), StageFlow(Stage.REWARD, 5, 0, 0.0))
    running = in_flight(config, roles, [ConductorStatus("c", 35, 0, flows), ConductorStatus("d", 0, 0, ())])
    assert running == {"generator": 7.5, "large": 22.5, "faithfulness": 0.0, "reward": 5.0}
    assert in_flight(config, [], [ConductorStatus("c", 35, 0, flows)])["generator"] == 30.0
