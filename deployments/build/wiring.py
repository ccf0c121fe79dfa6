"""Connects the parts of a configuration to the actors that use them. For runs, previews and tests."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random

from msgspec.structs import replace

from actors.calls.health import HealthLimits
from actors.calls.retry import RetryLimits
from actors.conductor import ConductorSettings, Gating, Toolbox
from actors.dataset.rows import Chat
from actors.dataset.writer import RowWording
from actors.exports import wording as export_words
from actors.gates.diversity import duplicate_verdict, likeness
from actors.gates.provenance import ProvenanceGate
from actors.ledger.sqlite import SqliteLedger
from actors.probes.plan import ProbePlan
from actors.protocols import Embedder, Gate, Generator, Orders
from actors.queue.commits import Ledger
from actors.queue.held import QueueLimits, Similarity
from actors.queue.machine import RegenerationQueue
from actors.queue.news import LeaseNews
from actors.queue.plan import Plan, StopTerms
from actors.queue.probes import Beside, ProbeTerms
from actors.queue.service import QueueService, ServiceSettings
from actors.recovery.experience import ExperienceFold
from actors.recovery.policies import build_bar, build_recovery
from actors.tasks.one_call import OneCall
from actors.tasks.strata import Strata
from deployments.build.cascades import build_bands, with_cascades
from deployments.build.gates import reading_scores
from deployments.build.judges import judges
from deployments.build.probes import build_maker, build_plan
from deployments.build.recovery import build_elsewhere, run_gates, task_recovery
from deployments.build.tasks import build_task
from deployments.build.versions import versions
from deployments.config.load import config_sha256
from deployments.config.rules import task_name
from deployments.config.task_calls import needed_pools
from schemas.config import FRESH_POOL, RunConfig
from schemas.config_cascade import judging
from schemas.config_engines import TransformersEngine
from schemas.config_gates import LlmJudge, executes, gate_models, kinds, shares
from schemas.config_tasks import Prompted
from schemas.corpus import Passage
from schemas.firsts import Preflight
from schemas.ids import PoolName, derived_seed
from schemas.ledger import Record, RunStarted
from schemas.orders import Lease, Order, OrderKind
from schemas.queue_shard import ONLY, QueueShard
from schemas.samples import Message
from schemas.shares import GateShares
from schemas.until_dry import UntilDry, orders_of_passage
from schemas.verdicts import GateName

FRESH_SHARE = 0.25
"""The share of leases for fresh orders while repairs wait too. Repairs go first, since they end orders. But without a
share for fresh orders, a corpus with many rejections would not be read any further."""
ROLLOUT_SHARE = 0.25
"""The share of leases for rollouts while other orders wait too, so that no label waits for the end of the corpus. While
no other order waits, rollouts get all leases."""
IN_FLIGHT = 256
"""Samples in flight in each conductor, where no engine is known to compute fewer at once."""
LEAVING_S = 30.0
"""The longest wait until a killed run's queue has released the folder."""


def open_queue(
    config: RunConfig,
    output: Path,
    shard: QueueShard,
    *,
    owner: int,
    now: Callable[[], float],
    preflight: Preflight = Preflight.TELL,
) -> QueueService:
    """The queue of a folder, with the state of its ledger. Raises OutputError when another run is writing there."""
    ledger = SqliteLedger(output, shard, owner=owner, wait_s=LEAVING_S)
    return queue_service(config, ledger, shard, now=now, preflight=preflight)


def queue_service(
    config: RunConfig,
    ledger: Ledger,
    shard: QueueShard = ONLY,
    *,
    now: Callable[[], float],
    preflight: Preflight = Preflight.TELL,
) -> QueueService:
    """The queue over a ledger, with the shard's part of the run's limits. Raises UserError for a labelled file that
    cannot be used."""
    fold = ExperienceFold() if config.recovery.policy == "adaptive" else None
    queue = _queue(config, shard, build_plan(config).beside)
    news = LeaseNews(fold, build_bands(config))
    return QueueService(queue, ledger, service_settings(config, shard, preflight), now=now, news=news)


def service_settings(
    config: RunConfig, shard: QueueShard = ONLY, preflight: Preflight = Preflight.TELL
) -> ServiceSettings:
    """What a queue is told: which orders a passage gets, and how many there may be."""
    settings = ServiceSettings(
        task=task_name(config),
        samples_per_passage=passage_orders(config),
        capacity=shard.share(config.queue.capacity),
        preflight=preflight,
        stop=_stop_terms(config, shard),
    )
    if isinstance(config.task, Prompted):
        settings = replace(settings, vary=Strata(config.task.vary, config.seed).of)
    return settings


def plain_queue(config: RunConfig) -> RegenerationQueue:
    """The state machine of a run without probes and without credit: for leases of orders as a run hands them out."""
    return _queue(replace(config, credit=None), ONLY, ProbePlan().beside)


def replaying(config: RunConfig) -> Callable[[Record], None]:
    """The replay of records by a run's queue, for commands that only check whether a ledger can be replayed."""
    return _queue(config, ONLY, ProbePlan().beside).replay


def rebuilt(config: RunConfig, ledger: Ledger, shard: QueueShard) -> tuple[RegenerationQueue, Plan]:
    """The queue and the plan as a ledger leaves them, for commands that go on from there without a run."""
    queue, plan = _queue(config, shard, ProbePlan().beside), Plan(_stop_terms(config, shard))
    for _, record in ledger.records():
        queue.replay(record)
        plan.apply(record)
    return queue, plan


def _stop_terms(config: RunConfig, shard: QueueShard) -> StopTerms:
    orders, quotas = config.stop.orders, config.stop.quotas
    return StopTerms(config.stop.accepted, None if orders is None else shard.share(orders), shard.count, quotas)


def _queue(config: RunConfig, shard: QueueShard, beside: Beside) -> RegenerationQueue:
    limits = QueueLimits(
        max_attempts=config.recovery.max_attempts,
        lease_s=config.conductors.lease_s,
        fresh_share=FRESH_SHARE,
        tokens=None if config.budget.tokens is None else shard.share(config.budget.tokens),
        similarity_threshold=config.judging.duplicate_similarity,
        vector_threshold=vector_threshold(config),
        axis=None if config.stop.quotas is None else config.stop.quotas.axis,
        rollout_share=0.0 if config.credit is None else ROLLOUT_SHARE,
        together=build_task(config).together,
    )
    probes = ProbeTerms(task_name(config), beside, config.probes.repair, judges(config), kinds(config.gates))
    if config.credit is None:
        return RegenerationQueue(limits, alike(config), probes=probes)
    from deployments.build.credit import credits_of  # not above: it would import SciPy in every process of a run

    return RegenerationQueue(limits, alike(config), probes=probes, listener=credits_of(config, config.credit))


def passage_orders(config: RunConfig) -> int | UntilDry:
    """How many orders a passage gets: a number, or a rule."""
    return orders_of_passage(config.task.samples_per_passage, build_task(config).together)


def vary_of(config: RunConfig) -> tuple[str, ...]:
    """The names of the task's variables."""
    return tuple(config.task.vary) if isinstance(config.task, Prompted) else ()


def row_wording(config: RunConfig) -> RowWording:
    """What rows of shards need beside the ledger."""
    return RowWording(
        chat=chat(config),
        models=models(config),
        gates=judging(config.gates),
        vary=vary_of(config),
        executes=executes(config.gates),
    )


def alike(config: RunConfig) -> Similarity:
    """The similarity of two samples of one passage, by the task's key."""
    return likeness(build_task(config).key)


def vector_threshold(config: RunConfig) -> float | None:
    """The lowest cosine of near-duplicates' vectors; None if the run makes no vectors."""
    return None if config.judging.embedder is None else config.judging.embedder.similarity


def toolbox(
    config: RunConfig,
    orders: Orders,
    pools: Mapping[PoolName, Generator],
    scored: Mapping[GateName, Gate],
    *,
    embedder: Embedder | None = None,
) -> Toolbox:
    """Everything that a conductor works with. `scored`: every gate but cascades, in the configuration's order."""
    known = run_gates(config)
    bar = build_bar(config.recovery, known)
    gates = Gating(
        provenance=ProvenanceGate(),
        scored=with_cascades(config.gates, scored, bar),
        after=reading_scores(config.gates),
        short_circuit=config.judging.short_circuit,
        duplicate=duplicate_verdict,
        bar=bar,
        embedder=embedder,
        shares=GateShares(config.seed, shares(config.gates)),
    )
    elsewhere, task = build_elsewhere(config), build_task(config)
    brought = task_recovery(config, task)
    unescalated = None
    if config.recovery.escalate_to is not None:
        unescalated = build_recovery(replace(config.recovery, escalate_to=None), elsewhere, known, brought)
    return Toolbox(
        orders=orders,
        task=task,
        pools=pools,
        gates=gates,
        recovery=build_recovery(config.recovery, elsewhere, known, brought),
        unescalated=unescalated,
        makers={OrderKind.PROBE: build_maker(config, task)},
        needed_pools=needed_pools(config),
    )


def chat(config: RunConfig) -> Chat:
    """The function that makes a student's messages from a sample of the task."""
    return build_task(config).messages


def export_wording(config: RunConfig) -> export_words.ExportWording:
    """The texts of the task's attempts in exports."""
    task = build_task(config)
    alone = partial(_asked_alone, task) if task.together > 1 and isinstance(task, OneCall) else None
    return export_words.ExportWording(task.messages, task.written, alone)


def _asked_alone(task: OneCall, passage: Passage) -> tuple[Message, ...]:
    return task.prompt(Lease(Order.fresh(passage.id, "", 0), passage, attempt=1, expires_at=0.0)).messages


def conductor_settings(config: RunConfig, name: str) -> ConductorSettings:
    """The settings of one conductor."""
    limits = RetryLimits(retries=config.conductors.hop_retries, timeout_s=config.conductors.hop_timeout_s)
    return ConductorSettings(
        name=name,
        concurrency=in_flight(config),
        limits=limits,
        fresh_pool=PoolName(FRESH_POOL),
        health=HealthLimits(outage_s=config.conductors.outage_s),
        seed=config.seed,
        keeps_reasoning=config.task.keep_reasoning,
    )


def in_flight(config: RunConfig) -> int:
    """Samples in flight in each conductor: as configured, or as many as the engines that write text here have room for,
    each by the samples that share one of its calls."""
    if config.conductors.concurrency is not None:
        return config.conductors.concurrency
    judges = [gate for gate in gate_models(config.gates).values() if isinstance(gate, LlmJudge)]
    writers = [
        (config.pools[FRESH_POOL], build_task(config).together),
        *((gate, gate.drafts_per_call) for gate in judges),
    ]
    computed = [
        each.engine.max_batch * each.replicas.max * of_a_call
        for each, of_a_call in writers
        if isinstance(each.engine, TransformersEngine)
    ]
    return min([IN_FLIGHT, *(math.ceil(slots / config.conductors.count) for slots in computed)])


def conductor_random(config: RunConfig, name: str) -> Random:
    """The randomness of one conductor's retries; no sample depends on it."""
    return Random(derived_seed(config.seed, name))


def models(config: RunConfig) -> dict[PoolName, str]:
    """Each pool's model by name, for the lineage of samples."""
    return {PoolName(name): pool.engine.model for name, pool in config.pools.items()}


def started(config: RunConfig, *, at: float) -> RunStarted:
    """The record of a process that begins or resumes a run."""
    return RunStarted(at=at, config_sha256=config_sha256(config), versions=versions())
