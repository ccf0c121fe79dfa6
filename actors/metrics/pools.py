"""Metrics of the run and its pools: phase, replicas, the reason for their number, and why they are idle."""

from collections.abc import Callable, Iterable, Iterator

from actors.calls.counters import paused
from actors.metrics.metric import Label, Point, PoolReplicas, Seen, alone, counter, gauge
from schemas.scaling import Idle, PoolDecision, Why


def _phases(seen: Seen) -> Iterator[Point]:
    for phase in seen.run.phases:
        yield (phase,), float(phase == seen.moment.phase)


def _replicas(read: Callable[[PoolReplicas], int]) -> Callable[[Seen], Iterable[Point]]:
    return lambda seen: [
        ((pool,), read(seen.moment.replicas.get(pool, PoolReplicas(0, 0)))) for pool in seen.run.models
    ]


def _decisions(seen: Seen) -> Iterator[tuple[str, PoolDecision | None]]:
    decided = {} if seen.moment.scaling is None else seen.moment.scaling.pools
    for pool in seen.run.models:
        yield pool, decided.get(pool)


def _wanted(seen: Seen) -> Iterator[Point]:
    for pool, decision in _decisions(seen):
        replicas = seen.moment.replicas.get(pool, PoolReplicas(0, 0))
        yield (pool,), replicas.wanted if decision is None else decision.wanted


def _needed(seen: Seen) -> Iterator[Point]:
    for pool, decision in _decisions(seen):
        yield (pool,), 0.0 if decision is None else decision.needed


def _slots(seen: Seen) -> Iterator[Point]:
    for pool, decision in _decisions(seen):
        yield (pool,), 0 if decision is None else decision.slots


def _reasons(seen: Seen) -> Iterator[Point]:
    for pool, decision in _decisions(seen):
        for why in Why:
            yield (pool, why.value), float(decision is not None and decision.why is why)


def _idle(seen: Seen) -> Iterator[Point]:
    pauses = paused(seen.moment.conductors)
    for pool, decision in _decisions(seen):
        idle = Idle.BREAKER if pauses[pool] else decision.idle if decision is not None else None
        for reason in Idle:
            yield (pool, reason.value), float(idle is reason)


def _changes(seen: Seen) -> Iterator[Point]:
    for pool in seen.run.models:
        for why in Why:
            yield (pool, why.value), seen.scale_changes.get((pool, why), 0)


def _paused(seen: Seen) -> Iterator[Point]:
    pauses = paused(seen.moment.conductors)
    for pool in seen.run.models:
        yield (pool,), pauses[pool]


POOLS = (
    gauge(
        "gleaner_run_info",
        "The run that this process carries; always 1.",
        (Label.RUN, Label.VERSION),
        lambda seen: [((seen.run.name, seen.run.version), 1)],
    ),
    gauge("gleaner_run_phase", "1 for the phase that the run is in.", (Label.PHASE,), _phases),
    gauge(
        "gleaner_run_start_timestamp_seconds",
        "When the run's first process began.",
        (),
        alone(lambda seen: seen.snapshot.summary.started_at or seen.moment.at),
    ),
    gauge(
        "gleaner_told_timestamp_seconds",
        "When the run last told of itself; everything here is as of then.",
        (),
        alone(lambda seen: seen.moment.at),
    ),
    gauge(
        "gleaner_corpus_read",
        "1 once the whole corpus has been read and its orders planned.",
        (),
        alone(lambda seen: float(seen.snapshot.summary.corpus_ended)),
    ),
    counter(
        "gleaner_documents_refused_total",
        "Documents of the corpus that could not be used when they were first read.",
        (),
        alone(lambda seen: seen.snapshot.counts.refused_documents + seen.snapshot.counts.read_again_documents),
    ),
    gauge("gleaner_conductors", "Conductors that told of themselves lately.", (), alone(lambda seen: seen.conductors)),
    gauge("gleaner_replicas_wanted", "Replicas that the pool or gate shall have.", (Label.POOL,), _wanted),
    gauge(
        "gleaner_replicas_needed",
        "Replicas that the pool's work needs, whatever bounds it; 0 until decided.",
        (Label.POOL,),
        _needed,
    ),
    gauge("gleaner_replicas_ready", "Replicas that answer.", (Label.POOL,), _replicas(lambda each: each.ready)),
    gauge(
        "gleaner_replicas_starting",
        "Replicas that load their model.",
        (Label.POOL,),
        _replicas(lambda each: each.starting),
    ),
    gauge(
        "gleaner_replicas_draining",
        "Replicas taken out of service that end what they have begun.",
        (Label.POOL,),
        _replicas(lambda each: each.draining),
    ),
    gauge(
        "gleaner_replica_slots",
        "Requests that each replica sends or computes at once: configured, told by the engine, or found.",
        (Label.POOL,),
        _slots,
    ),
    gauge(
        "gleaner_scale_reason",
        "1 for what the last decision on the pool's replicas rests on.",
        (Label.POOL, Label.WHY),
        _reasons,
    ),
    counter(
        "gleaner_scale_changes_total",
        "Decisions that changed how many replicas the pool shall have, since this process started.",
        (Label.POOL, Label.WHY),
        _changes,
    ),
    gauge(
        "gleaner_pool_idle",
        "1 for why the pool's replicas are not full (busy: they are).",
        (Label.POOL, Label.REASON),
        _idle,
    ),
    gauge("gleaner_pool_paused", "Conductors to whom the pool fails so that they wait.", (Label.POOL,), _paused),
)
