"""Metrics of what models were asked for: calls, tokens and seconds by role, pool and what the attempt came to."""

from collections.abc import Iterator

from actors.metrics.metric import GONE, Label, Point, Seen, alone, counter, gauge
from schemas.credit import ROLLOUTS
from schemas.distributions import AttemptEnd
from schemas.orders import STALE
from schemas.probes import PROBES
from schemas.progress import Spent


def _spent(seen: Seen) -> Iterator[tuple[tuple[str, str, str], Spent]]:
    """Of every pool and end, zeros included; what the configuration no longer names is one pool."""
    sums: dict[tuple[str, AttemptEnd], Spent] = {
        (pool, end): Spent(pool, end, 0, 0, 0, 0.0) for pool in seen.run.models for end in AttemptEnd
    }
    for spent in seen.snapshot.summary.spent:
        pool = spent.role if spent.role in (*seen.run.models, PROBES, ROLLOUTS, STALE) else GONE
        before = sums.get((pool, spent.end), Spent(pool, spent.end, 0, 0, 0, 0.0))
        sums[(pool, spent.end)] = Spent(
            role=pool,
            end=spent.end,
            calls=before.calls + spent.calls,
            prompt_tokens=before.prompt_tokens + spent.prompt_tokens,
            completion_tokens=before.completion_tokens + spent.completion_tokens,
            seconds=before.seconds + spent.seconds,
        )
    for (pool, end), spent in sums.items():
        yield (seen.run.role(pool), pool, end.value), spent


def _calls(seen: Seen) -> Iterator[Point]:
    yield from ((labels, spent.calls) for labels, spent in _spent(seen))


def _seconds(seen: Seen) -> Iterator[Point]:
    yield from ((labels, spent.seconds) for labels, spent in _spent(seen))


def _tokens(seen: Seen) -> Iterator[Point]:
    for labels, spent in _spent(seen):
        yield (*labels, "prompt"), spent.prompt_tokens
        yield (*labels, "completion"), spent.completion_tokens


BY_OUTCOME = (Label.ROLE, Label.POOL, Label.OUTCOME)

SPEND = (
    counter(
        "gleaner_calls_total",
        "Calls to models of attempts that have ended; a call that is tried again counts once.",
        BY_OUTCOME,
        _calls,
    ),
    counter("gleaner_tokens_total", "Tokens of attempts that have ended.", (*BY_OUTCOME, Label.TOKENS), _tokens),
    counter(
        "gleaner_call_seconds_total",
        "Seconds spent waiting for calls, summed over calls side by side: not wall time.",
        BY_OUTCOME,
        _seconds,
    ),
    gauge(
        "gleaner_budget_tokens",
        "Tokens that the run may take; infinite without a budget.",
        (),
        alone(lambda seen: seen.run.budget_tokens),
    ),
)
