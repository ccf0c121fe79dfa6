"""The run's side of autoscaling: counters become facts, `actors.scaling` decides, the board passes it to Serve.

Law: one decision is made for all pools together, since they share accelerators. Serve only carries it out. Decisions
are also made when all pools have a fixed size, because they answer "why is it idle?".
"""

import math
from collections.abc import Sequence
from typing import Any

import ray
from msgspec import Struct
from msgspec.structs import replace
from ray.exceptions import RayActorError

from actors.calls.counters import paused
from actors.scaling.held import AcceleratorClock, ReplicaSize
from actors.scaling.in_flight import PoolRoom, in_flight
from actors.scaling.measure import ASSUMED_CLASSIFY_S, ASSUMED_S, Meter, PoolFacts, RunFacts, measure
from actors.scaling.policy import decide
from deployments.build.wiring import in_flight as carried_at_first
from deployments.config.task_calls import needed_pools, task_calls
from deployments.monitoring.progress import ReplicaStatus
from deployments.ray.cluster import here
from deployments.serve.board import NAMESPACE, BoardActor
from deployments.serve.deployments import DeploymentNames
from deployments.serve.limits import ReplicaLimits
from schemas.bill import Accelerator, HeldTime
from schemas.config import FRESH_POOL, RunConfig, deployed
from schemas.config_deployed import Engine, Replicas
from schemas.config_engines import HttpEngine, TransformersEngine, VllmEngine
from schemas.config_gates import Classifier, EmbedderModel, LikelihoodJudge, TokenJudge
from schemas.progress import RoleCost, RunSnapshot
from schemas.scaling import PoolBounds, ScalingDecision, ScalingLimits, ScalingMemory
from schemas.stages import ConductorStatus, PoolFlow

MOST_IN_FLIGHT = 8192
"""Samples in each conductor, as the key allows."""
REBALANCE_S = 10.0
"""Longer than a decision needs to show in the measured rates, and far shorter than a cool-down."""
SLOTS = 64
"""The slots of an engine that does not say its number, or not yet: vLLM and most servers batch at least so many."""
SELDOM = 0.05
"""The least calls per attempt to a pool that repairs escalate to, that judges for a gate, or that code of the user's
own may ask: it must be there when the first one comes."""


class Autoscaler:
    """Keeps one run's meter, memory and board. There is no board when every pool has a fixed size."""

    def __init__(self, config: RunConfig, where: DeploymentNames) -> None:
        self._config = config
        self._apps = where.by_role
        self._limits = limits(config)
        self._meter = Meter()
        self._memory = ScalingMemory()
        self._clock = AcceleratorClock(sizes(config))
        self._replica_limits = ReplicaLimits()
        self._in_flight = carried_at_first(config)
        self._board: Any = None
        if any(each.min != each.max for each in self._limits.pools.values()):  # only then does Serve read it
            self._board = BoardActor.options(name=where.board, namespace=NAMESPACE, scheduling_strategy=here()).remote()

    def step(
        self, snapshot: RunSnapshot, conductors: Sequence[ConductorStatus], replicas: Sequence[ReplicaStatus]
    ) -> ScalingDecision:
        """Makes one decision and writes it on the board. Call it about once a second; `replicas`: of every
        deployment."""
        statuses = {status.name: status for status in replicas}
        flows, pauses = pool_flows(conductors), paused(conductors)
        pools = {}
        for name, model in models(self._config).items():
            status = statuses[self._apps[name]]
            flow = flows.get(name, PoolFlow(name, 0, 0))
            cost = next((each for each in snapshot.summary.roles if each.role == name), RoleCost(name, 0, 0, 0, 0.0))
            known = _facts(model, cost, flow, status, self._slots(name, model, status))
            pools[name] = replace(known, breaker_open=bool(pauses[name]))
        facts = RunFacts(
            at=snapshot.at,
            attempts=snapshot.counts.attempts,
            requeued=snapshot.counts.attempts - snapshot.counts.ended,
            ready=snapshot.ready + snapshot.rollouts,
            leased=snapshot.leased,
            waiting=snapshot.waiting,
            oldest_s=snapshot.oldest_s,
            max_attempts=self._config.recovery.max_attempts,
            expected={name: expected_calls(name, self._config) for name in pools},
            pools=pools,
            unread=_is_unread(self._config, snapshot),
            budget_spent=snapshot.summary.tokens >= (self._config.budget.tokens or math.inf),
        )
        self._clock.tick(facts.at, pools)
        signals, self._meter = measure(facts, self._meter)
        scaling, self._memory = decide(signals, self._limits, self._memory, facts.at)
        scaling = replace(scaling, in_flight=self._carried(conductors, facts))
        if self._board is not None:
            self._board.write.remote({self._apps[name]: each.wanted for name, each in scaling.pools.items()})
        return scaling

    def held(self) -> tuple[HeldTime, ...]:
        """How long replicas held accelerators since the last call of this."""
        return self._clock.take()

    def _slots(self, name: str, model: "ScaledModel", status: ReplicaStatus) -> int:
        known = configured_slots(model.engine)
        if known is None and status.running:
            known = self._replica_limits.slots(self._apps[name], changes=finds_slots(model.engine))
        return SLOTS if known is None else known

    def _carried(self, conductors: Sequence[ConductorStatus], facts: RunFacts) -> int | None:
        """Samples for each conductor; None if their number is configured, or no engine finds its slots."""
        found = [name for name, model in models(self._config).items() if finds_slots(model.engine)]
        if self._config.conductors.concurrency is not None or not found:
            return None
        if conductors:
            rooms = {
                name: PoolRoom(pool.running, pool.slots * pool.ready if self._is_known(name) else 0)
                for name, pool in facts.pools.items()
            }
            carried = sum(status.in_flight for status in conductors)
            self._in_flight = in_flight(
                carried, self._in_flight, rooms, conductors=len(conductors), most=MOST_IN_FLIGHT
            )
        return self._in_flight

    def _is_known(self, name: str) -> bool:
        """Whether the slots of a replica are more than an assumption."""
        engine = models(self._config)[name].engine
        return configured_slots(engine) is not None or self._replica_limits.is_known(self._apps[name])

    def close(self) -> None:
        """Removes the board. Serve keeps the last numbers."""
        if self._board is None:
            return
        try:
            ray.kill(self._board)
        except RayActorError:
            return


def limits(config: RunConfig) -> ScalingLimits:
    """The policy's bounds. The price of a replica is its GPUs, or its CPUs in a run without GPUs."""
    replicas = {name: each.replicas for name, each in models(config).items()}
    gpus = takes_gpus(config)
    scaling = config.scaling
    return ScalingLimits(
        pools={
            name: PoolBounds(each.min, each.max, each.num_gpus if gpus else each.cpus)
            for name, each in replicas.items()
        },
        accelerators=math.inf if scaling.accelerators is None else scaling.accelerators,
        cooldown_s=scaling.cooldown_s,
        rebalance_s=REBALANCE_S,
        max_starting=scaling.max_starting,
        horizon_s=scaling.horizon_s,
    )


def sizes(config: RunConfig) -> dict[str, ReplicaSize]:
    """What each replica of a role takes, as in `limits`."""
    kind = Accelerator.GPU if takes_gpus(config) else Accelerator.CPU
    return {name: ReplicaSize(kind, each.accelerators) for name, each in limits(config).pools.items()}


def takes_gpus(config: RunConfig) -> bool:
    """Whether any replica takes a GPU."""
    return any(each.replicas.num_gpus for each in models(config).values())


class ScaledModel(Struct, frozen=True):
    """The model of a pool or a gate, and its replicas."""

    engine: Engine
    replicas: Replicas
    classifies: bool = False
    """Whether a call is one pass through the model: a class, a label's token, a likelihood."""


def models(config: RunConfig) -> dict[str, ScaledModel]:
    """Every pool, every gate and the embedder, by the name that the policy uses."""
    one_pass = (Classifier, EmbedderModel, TokenJudge, LikelihoodJudge)
    return {
        each.role: ScaledModel(each.part.engine, each.part.replicas, isinstance(each.part, one_pass))
        for each in deployed(config)
    }


def configured_slots(engine: Engine) -> int | None:
    """The requests that a replica computes at once, from the configuration; None when only the engine knows."""
    match engine:
        case VllmEngine(max_num_seqs=int(sequences)):
            return sequences
        case TransformersEngine():
            return engine.max_batch
        case HttpEngine():
            return engine.concurrency
    return None


def finds_slots(engine: Engine) -> bool:
    """Whether its replicas find their number of slots while they run."""
    return isinstance(engine, HttpEngine) and engine.concurrency is None


def pool_flows(conductors: Sequence[ConductorStatus]) -> dict[str, PoolFlow]:
    """Calls to each pool, summed over conductors. A restarted conductor counts from zero."""
    flows: dict[str, PoolFlow] = {}
    for each in (flow for conductor in conductors for flow in conductor.pools):
        seen = flows.get(each.name, PoolFlow(each.name, 0, 0))
        flows[each.name] = PoolFlow(each.name, seen.in_flight + each.in_flight, seen.ended + each.ended)
    return flows


def _facts(model: ScaledModel, cost: RoleCost, flow: PoolFlow, status: ReplicaStatus, slots: int) -> PoolFacts:
    return PoolFacts(
        calls=flow.ended,
        recorded=cost.calls,
        tokens=cost.tokens,
        running=flow.in_flight,
        slots=slots,
        ready=status.running,
        starting=status.starting,
        draining=status.draining,
        assumed_s=ASSUMED_CLASSIFY_S if model.classifies else ASSUMED_S,
    )


def _is_unread(config: RunConfig, snapshot: RunSnapshot) -> bool:
    """Whether the reader is waiting: half the queue's room is used. It fills the queue in messages, so never quite."""
    return not snapshot.summary.all_planned and snapshot.counts.outstanding >= config.queue.capacity / 2


def expected_calls(name: str, config: RunConfig) -> float:
    """Calls of an attempt to a pool or gate, before they are counted."""
    if name not in config.pools:
        return 1.0
    asked = float(sum(name == (call.pool or FRESH_POOL) for call in task_calls(config)))
    may_be = name == config.recovery.escalate_to or name in needed_pools(config)
    return max(asked, SELDOM) if may_be else asked
