"""Quantiles of values that were counted in buckets."""

from collections.abc import Sequence

from schemas.distributions import Distribution


def quantile(found: Distribution, q: float, bounds: Sequence[float]) -> float | None:
    """The value that a share `q` in (0, 1] of all values does not exceed, as if values lay evenly in each bucket; the
    last bound for values above all bounds; None without values."""
    wanted, seen, lower = q * found.count, 0, 0.0
    if not found.count:
        return None
    for count, upper in zip(found.counts, (*bounds, bounds[-1]), strict=True):
        if count and seen + count >= wanted:
            return lower + (upper - lower) * (wanted - seen) / count
        seen, lower = seen + count, upper
    return bounds[-1]
