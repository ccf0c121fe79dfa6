"""Metrics of orders and attempts: how many of each kind came to which end, how long that took, what is outstanding."""

from collections.abc import Callable, Iterable, Iterator

from actors.metrics.metric import ACCEPTED, GONE, Label, Metric, Point, Seen, Type, alone, counter, gauge
from schemas.distributions import SECONDS, AttemptEnd, Distribution, QueueTurn
from schemas.orders import EndReason, OrderKind
from schemas.progress import KindCount
from schemas.stages import GENERATE


def _planned(seen: Seen) -> Iterator[Point]:
    for kind, count in _kinds(seen):
        yield (kind,), count.issued


def _ended(seen: Seen) -> Iterator[Point]:
    for kind, count in _kinds(seen):
        yield (kind, ACCEPTED), count.accepted
        ends = {end.reason: end.orders for end in count.ends}
        for reason in EndReason:
            yield (kind, reason.value), ends.get(reason, 0)


def _kinds(seen: Seen) -> Iterator[tuple[str, KindCount]]:
    counted = {count.kind: count for count in seen.snapshot.summary.kinds}
    for kind in OrderKind:
        yield kind.value, counted.get(kind, KindCount(kind, 0, 0))


def _outstanding(seen: Seen) -> Iterator[Point]:
    for state in ("ready", "leased", "waiting"):
        yield (state,), getattr(seen.snapshot, state)


def _queued(seen: Seen) -> Iterator[Point]:
    for turn in QueueTurn:
        yield (turn.value,), seen.snapshot.distributions.queued.get(turn, Distribution())


def _attempts(seen: Seen) -> Iterator[Point]:
    for end in AttemptEnd:
        yield (end.value,), seen.snapshot.distributions.attempts.get(end, Distribution())


def _lives(seen: Seen) -> Iterator[Point]:
    for end in AttemptEnd:
        yield (end.value,), seen.snapshot.distributions.orders.get(end, Distribution())


def _stages(seen: Seen) -> Iterator[Point]:
    calls = seen.snapshot.distributions.calls
    for pool in seen.run.models:
        yield (seen.run.stage(pool), pool), calls.get(pool, Distribution())
    gone = [distribution for pool, distribution in calls.items() if pool not in seen.run.models]
    if gone:
        counts = tuple(map(sum, zip(*(each.counts for each in gone), strict=True)))
        total = sum(each.total for each in gone)
        yield (GENERATE, GONE), Distribution(counts, total)


def _in_flight(seen: Seen) -> Iterator[Point]:
    for each in seen.run.stages:
        yield (each,), seen.in_flight.get(each, 0)


def _histogram(name: str, help: str, labels: tuple[Label, ...], read: Callable[[Seen], Iterable[Point]]) -> Metric:
    return Metric(name, Type.HISTOGRAM, help, labels, read, SECONDS)


ORDERS = (
    counter("gleaner_orders_planned_total", "Orders issued.", (Label.KIND,), _planned),
    counter("gleaner_orders_ended_total", "Orders that ended: accepted, or why not.", (Label.KIND, Label.END), _ended),
    counter(
        "gleaner_orders_first_pass_total",
        "Orders accepted at their first attempt.",
        (),
        alone(lambda seen: seen.snapshot.counts.first_pass),
    ),
    counter(
        "gleaner_orders_rejected_total",
        "Orders that a gate rejected at least once.",
        (),
        alone(lambda seen: seen.snapshot.counts.rejected),
    ),
    counter(
        "gleaner_orders_recovered_total",
        "Orders that were rejected and accepted later.",
        (),
        alone(lambda seen: seen.snapshot.counts.recovered),
    ),
    gauge(
        "gleaner_orders_outstanding",
        "Orders without an end: ready to be worked on, leased to a conductor, or waiting for a later moment.",
        (Label.STATE,),
        _outstanding,
    ),
    gauge(
        "gleaner_orders_unaccounted",
        "Orders planned less accepted, dead-lettered and outstanding ones: anything but 0 is a lost or doubled order.",
        (),
        alone(lambda seen: seen.snapshot.unaccounted),
    ),
    gauge(
        "gleaner_queue_oldest_seconds",
        "Age of the oldest order that is ready.",
        (),
        alone(lambda seen: seen.snapshot.oldest_s),
    ),
    _histogram(
        "gleaner_queue_wait_seconds",
        "Time from when an order could be worked on to the attempt that did, lost leases included.",
        (Label.TURN,),
        _queued,
    ),
    _histogram("gleaner_order_seconds", "Time from plan to end of orders by how they ended.", (Label.OUTCOME,), _lives),
    _histogram(
        "gleaner_attempt_seconds",
        "Time of whole attempts, from lease to decision; its count is the number of attempts.",
        (Label.OUTCOME,),
        _attempts,
    ),
    _histogram(
        "gleaner_stage_seconds",
        "Time of an attempt's calls to a pool or gate, retries and pauses included.",
        (Label.STAGE, Label.POOL),
        _stages,
    ),
    gauge("gleaner_in_flight", "Samples in a stage of their attempt.", (Label.STAGE,), _in_flight),
    counter(
        "gleaner_outcomes_stale_total",
        "Outcomes dropped because their attempt was no longer the current one, since the queue started.",
        (),
        alone(lambda seen: seen.snapshot.stale),
    ),
    counter(
        "gleaner_outcomes_unreported_total",
        "Outcomes that the queue could not take, so that their leases return, since this process started.",
        (),
        alone(lambda seen: seen.unreported),
    ),
    _histogram(
        "gleaner_commit_seconds",
        "Time of the ledger's transactions, since the queue started.",
        (),
        lambda seen: [((), seen.snapshot.commits)],
    ),
)
