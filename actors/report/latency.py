"""The page's table of how long calls, waits and whole orders took."""

from collections.abc import Iterator

from msgspec import Struct

from actors.counts.quantiles import quantile
from actors.report.words import count, duration
from schemas.distributions import Distribution, Distributions

SHARES = (0.5, 0.9, 0.99)
FINE = tuple(0.001 * 1.1**step for step in range(192))
"""Upper bounds of buckets from a millisecond to a day, each a tenth above the last: so exact are the quantiles."""


class LatencyRow(Struct, frozen=True):
    """One stage in the page's words; `quantiles` at `SHARES`."""

    what: str
    number: str
    quantiles: tuple[str, ...]


def latency_rows(found: Distributions) -> list[LatencyRow]:
    """Everything that happened at least once, in the order in which an order meets it. Counted in buckets of `FINE`."""
    return [
        LatencyRow(what, count(each.count), tuple(duration(quantile(each, share, FINE)) for share in SHARES))
        for what, each in _named(found)
        if each.count
    ]


def _named(found: Distributions) -> Iterator[tuple[str, Distribution]]:
    yield from ((f"in the queue, {turn.value}", each) for turn, each in found.queued.items())
    yield from ((f"call to {role}", each) for role, each in found.calls.items())
    yield from ((f"attempt, {end.value}", each) for end, each in found.attempts.items())
    yield from ((f"order, last attempt {end.value}", each) for end, each in found.orders.items())
