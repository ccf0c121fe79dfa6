"""Metrics of the cost of models: calls, tokens and seconds by role, pool and how the attempt ended."""

from collections import Counter
from collections.abc import Callable, Iterable

from actors.metrics.metric import GONE, Label, Point, Run, Seen, alone, counter, gauge, values
from schemas.distributions import AttemptEnd


def _paid(*fields: str) -> Callable[[Seen], Iterable[Point]]:
    """Reads costs for every pool and end, zeros included; pools no longer in the configuration become one, `GONE`.
    `fields`: the measures; if there are several, each gets a label."""
    told = [(field.removesuffix("_tokens"),) if fields[1:] else () for field in fields]

    def read(seen: Seen) -> Iterable[Point]:
        run, known = seen.run, values(Label.POOL, seen.run)
        counts: Counter[tuple[str, ...]] = Counter()
        counts.update({_by(run, pool, end, of): 0 for pool in run.models for end in AttemptEnd for of in told})
        for spent in seen.snapshot.summary.spent:
            pool = spent.role if spent.role in known else GONE
            for of, field in zip(told, fields, strict=True):
                counts[_by(run, pool, spent.end, of)] += getattr(spent, field)
        return counts.items()

    return read


def _held(field: str) -> Callable[[Seen], Iterable[Point]]:
    """Reads how long replicas held accelerators, for every pool, zeros included."""

    def read(seen: Seen) -> Iterable[Point]:
        run, known = seen.run, values(Label.POOL, seen.run)
        counts: Counter[tuple[str, ...]] = Counter()
        counts.update({(run.role(pool), pool): 0 for pool in run.models})
        for row in seen.snapshot.summary.held:
            pool = row.role if row.role in known else GONE
            counts[(run.role(pool), pool)] += getattr(row, field)
        return counts.items()

    return read


def _by(run: Run, pool: str, end: AttemptEnd, of: tuple[str, ...]) -> tuple[str, ...]:
    return (run.role(pool), pool, end.value, *of)


BY_OUTCOME = (Label.ROLE, Label.POOL, Label.OUTCOME)

SPEND = (
    counter(
        "gleaner_calls_total",
        "Calls to models of attempts that have ended; a call that is tried again counts once.",
        BY_OUTCOME,
        _paid("calls"),
    ),
    counter(
        "gleaner_tokens_total",
        "Tokens of attempts that have ended.",
        (*BY_OUTCOME, Label.TOKENS),
        _paid("prompt_tokens", "completion_tokens"),
    ),
    counter(
        "gleaner_cached_tokens_total",
        "Of the prompts' tokens of attempts that have ended, those that engines took from their caches.",
        BY_OUTCOME,
        _paid("cached_tokens"),
    ),
    counter(
        "gleaner_call_seconds_total",
        "Seconds spent waiting for calls, summed over calls side by side: not wall time.",
        BY_OUTCOME,
        _paid("seconds"),
    ),
    counter(
        "gleaner_accelerator_held_seconds_total",
        "Seconds of accelerators that replicas held, loading, busy or idle; recorded every 30 s.",
        (Label.ROLE, Label.POOL),
        _held("held_s"),
    ),
    counter(
        "gleaner_accelerator_busy_seconds_total",
        "Of these, times the share of the engines' slots that calls had taken.",
        (Label.ROLE, Label.POOL),
        _held("busy_s"),
    ),
    gauge(
        "gleaner_budget_tokens",
        "Tokens that the run may take; infinite without a budget.",
        (),
        alone(lambda seen: seen.run.budget_tokens),
    ),
)
