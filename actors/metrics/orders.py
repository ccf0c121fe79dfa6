"""Metrics of orders and attempts that no table has in this form: by end, and by stage."""

from collections.abc import Iterable, Iterator

from actors.counts.together import together
from actors.metrics.metric import (
    ACCEPTED,
    GONE,
    NOT_NEEDED,
    Label,
    Metric,
    Point,
    Seen,
    Type,
    alone,
    counted,
    counter,
    gauge,
)
from schemas.distributions import SECONDS, Distribution
from schemas.stages import GENERATE


def _ended(seen: Seen) -> Iterable[Point]:
    kinds = seen.snapshot.summary.kinds
    found = [((each.kind.value, ACCEPTED), each.accepted) for each in kinds]
    found += [((each.kind.value, NOT_NEEDED), each.not_needed) for each in kinds]
    found += [((each.kind.value, end.reason.value), end.orders) for each in kinds for end in each.ends]
    return counted((Label.KIND, Label.END), seen.run, found)


def _stages(seen: Seen) -> Iterator[Point]:
    calls = seen.snapshot.distributions.calls
    for pool in seen.run.models:
        yield (seen.run.stage(pool), pool), calls.get(pool, Distribution())
    gone = [distribution for pool, distribution in calls.items() if pool not in seen.run.models]
    if gone:
        yield (GENERATE, GONE), together(gone)


def _in_flight(seen: Seen) -> Iterator[Point]:
    for each in seen.run.stages:
        yield (each,), seen.in_flight.get(each, 0)


ORDERS = (
    counter(
        "gleaner_orders_ended_total",
        "Orders that ended: accepted, not needed, or why not accepted.",
        (Label.KIND, Label.END),
        _ended,
    ),
    Metric(
        "gleaner_stage_seconds",
        Type.HISTOGRAM,
        "Time of an attempt's calls to a pool or gate, retries and pauses included.",
        (Label.STAGE, Label.POOL),
        _stages,
        SECONDS,
    ),
    gauge("gleaner_in_flight", "Samples in a stage of their attempt.", (Label.STAGE,), _in_flight),
    counter(
        "gleaner_outcomes_unreported_total",
        "Outcomes that the queue could not take, so that their leases return, since this process started.",
        (),
        alone(lambda seen: seen.unreported),
    ),
)
