"""Who decides on replicas in a simulation: the policy of a run, Serve's default, or nobody.

Ours and Serve's are the real code: `actors.scaling`, and the functions of Serve's installed autoscaling_policy.
"""

import math
from collections import deque
from types import SimpleNamespace
from typing import Any, Protocol

from ray.serve import autoscaling_policy as serve_policy
from ray.serve.config import AutoscalingConfig

from actors.scaling.measure import Meter, RunFacts, measure
from actors.scaling.policy import decide
from actors.scaling.share import share
from benchmarks.simulator.scenario import Scenario
from schemas.scaling import PoolBounds, ScalingLimits, ScalingMemory


class Scaler(Protocol):
    """Replicas wanted of each pool, asked every second."""

    def wanted(self, facts: RunFacts) -> dict[str, int]: ...


def _bounds(scenario: Scenario) -> dict[str, PoolBounds]:
    return {name: PoolBounds(pool.min, pool.max, pool.accelerators) for name, pool in scenario.pools.items()}


class Ours:
    """The policy of a run, with a run's defaults."""

    def __init__(self, scenario: Scenario) -> None:
        self._limits = ScalingLimits(
            _bounds(scenario), scenario.accelerators, cooldown_s=60.0, rebalance_s=10.0,
            max_starting=scenario.max_starting, horizon_s=30.0,
        )  # fmt: skip
        self._meter, self._memory = Meter(), ScalingMemory()

    def wanted(self, facts: RunFacts) -> dict[str, int]:
        signals, self._meter = measure(facts, self._meter)
        scaling, self._memory = decide(signals, self._limits, self._memory, facts.at)
        return {pool: decision.wanted for pool, decision in scaling.pools.items()}


class Fixed:
    """Every accelerator from the first moment, split by what an order really costs: a fixed pool at its best."""

    def __init__(self, scenario: Scenario) -> None:
        work_s = {name: 1e6 * pool.mean_s / pool.slots for name, pool in scenario.pools.items()}
        shares = share(work_s, _bounds(scenario), accelerators=scenario.accelerators, horizon_s=1.0)
        self._wanted = {name: each.replicas for name, each in shares.items()}

    def wanted(self, facts: RunFacts) -> dict[str, int]:
        return self._wanted


class ServeDefault:
    """Serve's policy with its default delays, for each pool alone; one replica at least, as none would see no request.

    Target: as many requests a replica as it has slots, the best choice. Requests are averaged over the last 30 s.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._configs = {
            name: AutoscalingConfig(
                min_replicas=max(1, pool.min), max_replicas=pool.max, target_ongoing_requests=pool.slots
            )
            for name, pool in scenario.pools.items()
        }
        self._states: dict[str, dict[str, Any]] = {name: {} for name in scenario.pools}
        self._targets = {name: config.min_replicas for name, config in self._configs.items()}
        self._seen: dict[str, deque[tuple[float, float]]] = {name: deque() for name in scenario.pools}

    def wanted(self, facts: RunFacts) -> dict[str, int]:
        for name, config in self._configs.items():
            seen, pool = self._seen[name], facts.pools[name]
            seen.append((facts.at, pool.running))
            while seen[0][0] < facts.at - config.look_back_period_s:
                seen.popleft()
            requests = sum(count for _, count in seen) / len(seen)
            self._targets[name] = self._decide(name, config, requests, pool.ready, facts.at)
        return dict(self._targets)

    def _decide(self, name: str, config: AutoscalingConfig, requests: float, ready: int, now: float) -> int:
        context: Any = SimpleNamespace(
            current_num_replicas=ready, target_num_replicas=self._targets[name], config=config,
            total_num_requests=requests, policy_state={},
        )  # fmt: skip
        cold = serve_policy._get_cold_start_scale_up_replicas(context)
        desired = cold
        if desired is None:
            raw, _ = serve_policy._core_replica_queue_length_policy(context)
            scaled = serve_policy._apply_scaling_factors(raw, ready, config)
            desired, self._states[name] = serve_policy._apply_delay_logic(
                max(0, scaled), self._targets[name], config, self._states[name], _now=now
            )
        return max(config.min_replicas, min(config.max_replicas, math.ceil(desired)))
