"""A configuration's scaling: bounds and prices, slots by engine, and a budget that does not hold one of each."""

import math
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from actors.counts.bill import prices_of
from benchmarks.loop import configuration
from deployments.config.rules import broken_rule
from deployments.monitoring.progress import ReplicaStatus
from deployments.ray.autoscaling import Autoscaler, configured_slots, expected_calls, limits, pool_flows
from deployments.serve.deployments import names
from deployments.serve.limits import ReplicaLimits
from schemas.config import Conductors, GroundedAnswer, Pool, Recovery, RunConfig, Scaling
from schemas.config_deployed import Price, Replicas
from schemas.config_engines import HttpEngine, PoolEngine, TransformersEngine, VllmEngine
from schemas.config_gates import GateConfig, LlmJudge
from schemas.config_tasks import CustomTask, Task
from schemas.progress import RunSnapshot, Summary
from schemas.scaling import PoolBounds
from schemas.stages import ConductorStatus, PoolFlow
from tests.doubles.steps import STEPS

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
        (Pool(VllmEngine("m", engine_args={"max_num_seqs": 17})), 17),
        (Pool(VllmEngine("m")), None),
        (Pool(TransformersEngine("m", max_batch=9)), 9),
        (Pool(HttpEngine("http://h/v1", "m", concurrency=5)), 5),
        (Pool(HttpEngine("http://h/v1", "m")), None),
    ],
)
def test_slots_are_the_engines_own_limit(pool: Pool, expected: int | None) -> None:
    """What the configuration says of the replica goes first; vLLM's own choice is asked of its replicas."""
    assert configured_slots(pool.engine) == expected


@pytest.mark.parametrize(
    ("task", "escalate_to", "expected"),
    [
        (STEPS, None, {"generator": 1.0, "strong": 1.0}),
        (GroundedAnswer(), None, {"generator": 1.0, "strong": 0.0}),
        (GroundedAnswer(), "strong", {"generator": 1.0, "strong": 0.05}),
        (CustomTask("tests:none"), None, {"generator": 1.0, "strong": 0.05}),
    ],
)
def test_a_pool_that_a_task_may_ask_is_expected_from_the_start(
    task: Task, escalate_to: str | None, expected: dict[str, float]
) -> None:
    """With `min: 0` its first call would wait for ever for a replica that nobody asks for."""
    config = replace(with_pool("strong", Replicas(min=0)), task=task, recovery=Recovery(escalate_to=escalate_to))
    assert {name: expected_calls(name, config) for name in config.pools} == expected


def test_a_pool_that_judges_for_a_gate_is_expected_too() -> None:
    """Its calls are counted under the gate's name."""
    gates: dict[str, GateConfig] = {"reward": LlmJudge(PoolEngine("strong"))}
    config = replace(with_pool("strong", Replicas(min=0)), gates=gates)
    assert expected_calls("strong", config) > 0


def test_a_budget_that_cannot_hold_one_of_each_is_refused() -> None:
    """Some pool would wait for an accelerator for ever."""
    config = replace(with_pool("large", Replicas(min=0, num_cpus=1)), scaling=Scaling(accelerators=1.2))
    assert broken_rule(config) == (
        "scaling.accelerators: 1.2 is too small: one replica of each pool and gate (or its min) takes 1.3 by their "
        "num_cpus"
    )
    assert broken_rule(replace(config, scaling=Scaling(accelerators=1.3))) is None


def test_a_pools_calls_are_those_of_all_conductors() -> None:
    """Two conductors, and one that has made no call yet."""
    first = ConductorStatus("a", 35, 0, (), pools=(PoolFlow("generator", 30, 200), PoolFlow("reward", 5, 190)))
    second = ConductorStatus("b", 4, 0, (), pools=(PoolFlow("generator", 4, 7),))
    assert pool_flows([first, second, ConductorStatus("c", 0, 0, ())]) == {
        "generator": PoolFlow("generator", 34, 207),
        "reward": PoolFlow("reward", 5, 190),
    }


def test_a_price_is_the_pools_own_and_of_those_who_share_it() -> None:
    """Each role that has a price, its gate that asks the pool, and rollouts, which the pool writes."""
    price, cheap = Price(accelerator_hour=2.5), Price(prompt_tokens=0.1)
    shares = msgspec.convert({"form": "token", "engine": {"kind": "pool", "pool": "generator"}}, GateConfig)
    reward = replace(PLAIN.gates["reward"], price=cheap)
    pools = {"generator": replace(PLAIN.pools["generator"], price=price)}
    config = replace(PLAIN, pools=pools, gates={"faithfulness": shares, "reward": reward})
    assert prices_of(config) == {"generator": price, "faithfulness": price, "rollouts": price, "reward": cheap}
    assert prices_of(PLAIN) == {}


class FoundSlots(ReplicaLimits):
    """Replicas that have found so many slots."""

    def __init__(self, slots: int) -> None:
        super().__init__()
        self.found = slots

    def slots(self, application: str, *, changes: bool = False) -> int | None:
        return self.found

    def is_known(self, application: str) -> bool:
        return True


def carried_after(found: int, config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """Samples that each conductor carries after a minute with 256 calls to a generator that has found its slots."""
    monkeypatch.setattr("deployments.ray.autoscaling.ReplicaLimits", lambda: FoundSlots(found))
    where = names(config, "found")
    scaler = Autoscaler(config, where)
    replicas = [ReplicaStatus(name, role, 1, 1, "RUNNING") for role, name in where.by_role.items()]
    carried = None
    for second in range(60):
        snapshot = RunSnapshot(at=float(second), ready=9000, leased=256, oldest_s=1.0, summary=Summary())
        flow = PoolFlow("generator", carried or 256, 100 * second)
        status = ConductorStatus("conductor-1", carried or 256, 0, (), pools=(flow,))
        carried = scaler.step(snapshot, [status], replicas).in_flight
    return carried


def test_samples_in_flight_follow_the_slots_that_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is found to compute 1,000 requests at once, or 20: conductors carry enough to fill it and no more. A
    number of the user's, for the engine or for conductors, stays."""
    config = with_pool("generator", Replicas())
    http = Pool(HttpEngine("http://h/v1", "m"), Replicas())
    finds = replace(config, pools={"generator": http}, conductors=Conductors())
    assert carried_after(1000, finds, monkeypatch) == 1500
    assert carried_after(20, finds, monkeypatch) == 30
    assert carried_after(1000, replace(finds, conductors=Conductors(concurrency=64)), monkeypatch) is None
    fixed = Pool(HttpEngine("http://h/v1", "m", concurrency=64), Replicas())
    assert carried_after(1000, replace(finds, pools={"generator": fixed}), monkeypatch) is None
