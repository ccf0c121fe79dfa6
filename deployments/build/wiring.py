"""Where things meet: a configuration's parts become what actors talk to. Used by runs, previews and tests."""

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from msgspec.structs import replace

from actors.calls.health import HealthLimits
from actors.calls.retry import RetryLimits
from actors.conductor import ConductorSettings, Gating, Toolbox
from actors.dataset.rows import Chat
from actors.exports import wording as export_words
from actors.gates.diversity import duplicate_verdict, likeness
from actors.gates.provenance import ProvenanceGate
from actors.ledger.sqlite import SqliteLedger
from actors.probes.plan import ProbePlan
from actors.protocols import Embedder, Gate, Generator, Orders
from actors.queue.commits import Ledger
from actors.queue.held import QueueLimits, Similarity
from actors.queue.machine import RegenerationQueue
from actors.queue.probes import Beside, ProbeTerms
from actors.queue.service import QueueService, ServiceSettings
from actors.recovery.experience import ExperienceFold
from actors.recovery.policies import build_bar, build_recovery
from deployments.build.gates import reading_scores
from deployments.build.judges import judges
from deployments.build.probes import build_maker, build_plan
from deployments.build.recovery import build_elsewhere, run_gates, task_recovery
from deployments.build.tasks import build_task
from deployments.build.versions import versions
from deployments.config.load import config_sha256
from deployments.config.rules import task_name
from schemas.config import FRESH_POOL, RunConfig
from schemas.config_gates import kinds
from schemas.firsts import Preflight
from schemas.ids import PoolName, derived_seed
from schemas.ledger import Record, RunStarted
from schemas.orders import OrderKind
from schemas.queue_shard import ONLY, QueueShard
from schemas.verdicts import GateName

FRESH_SHARE = 0.25
"""Of what is handed out while repairs wait too: fresh orders. Repairs go ahead, since they end orders; with none of the
share for fresh ones, a corpus that is hard to please would be read no further."""
ROLLOUT_SHARE = 0.25
"""Of what is handed out while other orders wait too: rollouts, so that no label waits for the corpus's end. While no
other order waits, they have all of it."""
LEAVING_S = 30.0
"""A killed run's queue lets go of the folder within so long."""


def open_queue(
    config: RunConfig,
    output: Path,
    shard: QueueShard,
    *,
    owner: int,
    now: Callable[[], float],
    preflight: Preflight = Preflight.TELL,
) -> QueueService:
    """A queue of a folder, with what its ledger holds. Raises OutputError when another run is writing there."""
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
    """The queue over a ledger, with the shard's part of the run's bounds. Raises UserError for a labelled file that
    cannot be used."""
    settings = ServiceSettings(
        task=task_name(config),
        samples_per_passage=config.task.samples_per_passage,
        capacity=shard.share(config.queue.capacity),
        preflight=preflight,
    )
    fold = ExperienceFold() if config.recovery.policy == "adaptive" else None
    queue = _queue(config, shard, build_plan(config).beside)
    return QueueService(queue, ledger, settings, now=now, fold=fold)


def replaying(config: RunConfig) -> Callable[[Record], None]:
    """What the queue of a run does with each record when it is opened, for who only asks whether it can be."""
    return _queue(config, ONLY, ProbePlan().beside).replay


def _queue(config: RunConfig, shard: QueueShard, beside: Beside) -> RegenerationQueue:
    limits = QueueLimits(
        max_attempts=config.recovery.max_attempts,
        lease_s=config.conductors.lease_s,
        fresh_share=FRESH_SHARE,
        tokens=None if config.budget.tokens is None else shard.share(config.budget.tokens),
        similarity_threshold=config.judging.duplicate_similarity,
        vector_threshold=vector_threshold(config),
        rollout_share=0.0 if config.credit is None else ROLLOUT_SHARE,
        together=build_task(config).together,
    )
    probes = ProbeTerms(task_name(config), beside, config.probes.repair, judges(config), kinds(config.gates))
    if config.credit is None:
        return RegenerationQueue(limits, alike(config), probes=probes)
    from deployments.build.credit import credits_of  # not above: it brings SciPy into every process of a run

    return RegenerationQueue(limits, alike(config), probes=probes, listener=credits_of(config, config.credit))


def alike(config: RunConfig) -> Similarity:
    """How alike two samples of one passage are, by what the task says is to be compared."""
    return likeness(build_task(config).key)


def vector_threshold(config: RunConfig) -> float | None:
    """How like the vectors of near-duplicates are; None where none are made."""
    return None if config.judging.embedder is None else config.judging.embedder.similarity


def toolbox(
    config: RunConfig,
    orders: Orders,
    pools: Mapping[PoolName, Generator],
    scored: Mapping[GateName, Gate],
    *,
    embedder: Embedder | None = None,
) -> Toolbox:
    """Everything a conductor talks to."""
    known = run_gates(config)
    gates = Gating(
        provenance=ProvenanceGate(),
        scored=scored,
        after=reading_scores(config.gates),
        short_circuit=config.judging.short_circuit,
        duplicate=duplicate_verdict,
        bar=build_bar(config.recovery, known),
        embedder=embedder,
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
    )


def chat(config: RunConfig) -> Chat:
    """How a sample of the task is shown to a student."""
    return build_task(config).messages


def export_wording(config: RunConfig) -> export_words.ExportWording:
    """How attempts of the task are shown in exports."""
    task = build_task(config)
    return export_words.ExportWording(task.messages, task.written)


def conductor_settings(config: RunConfig, name: str) -> ConductorSettings:
    """Bounds of one conductor."""
    limits = RetryLimits(retries=config.conductors.hop_retries, timeout_s=config.conductors.hop_timeout_s)
    return ConductorSettings(
        name=name,
        concurrency=config.conductors.concurrency,
        limits=limits,
        fresh_pool=PoolName(FRESH_POOL),
        health=HealthLimits(outage_s=config.conductors.outage_s),
        seed=config.seed,
        keeps_reasoning=config.task.keep_reasoning,
    )


def conductor_random(config: RunConfig, name: str) -> Random:
    """Jitter of one conductor's retries: nothing a sample depends on."""
    return Random(derived_seed(config.seed, name))


def models(config: RunConfig) -> dict[PoolName, str]:
    """Each pool's model by name, for the lineage of samples."""
    return {PoolName(name): pool.engine.model for name, pool in config.pools.items()}


def started(config: RunConfig, *, at: float) -> RunStarted:
    """What the ledger keeps of a process that begins or resumes a run."""
    return RunStarted(at=at, config_sha256=config_sha256(config), versions=versions())
