"""Metrics of what models were asked for: calls, tokens and seconds by role, pool and what the attempt came to."""

from collections.abc import Callable, Iterable

from actors.metrics.metric import GONE, Label, Point, Seen, alone, counted, counter, gauge
from schemas.canaries import CANARIES
from schemas.credit import ROLLOUTS
from schemas.distributions import AttemptEnd
from schemas.injection import CHECKS
from schemas.orders import STALE


def _paid(*fields: str) -> Callable[[Seen], Iterable[Point]]:
    """Of every pool and end, zeros included; what the configuration no longer names is one pool. `fields`: what is told
    of each, where they are several with a label of their own."""

    def read(seen: Seen) -> Iterable[Point]:
        run, told = seen.run, [(field.removesuffix("_tokens"),) if fields[1:] else () for field in fields]
        known = (CANARIES, CHECKS, ROLLOUTS, STALE, *run.models)
        pools = [(spent, spent.role if spent.role in known else GONE) for spent in seen.snapshot.summary.spent]
        return counted(
            ((run.role(pool), pool, end.value, *of) for pool in run.models for end in AttemptEnd for of in told),
            (
                ((run.role(pool), pool, spent.end.value, *of), getattr(spent, field))
                for spent, pool in pools
                for of, field in zip(told, fields, strict=True)
            ),
        )

    return read


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
        "gleaner_call_seconds_total",
        "Seconds spent waiting for calls, summed over calls side by side: not wall time.",
        BY_OUTCOME,
        _paid("seconds"),
    ),
    gauge(
        "gleaner_budget_tokens",
        "Tokens that the run may take; infinite without a budget.",
        (),
        alone(lambda seen: seen.run.budget_tokens),
    ),
)
