"""From tallies of units to effects, intervals, tests and power.

Law: what tests count is units, which are made independently; what happens inside a unit is summed. An effect is a
difference (or a log ratio) of ratios of sums, paired by unit. Its interval is Student's on the jackknife's
pseudo-values: for a mean of units that is the paired t interval, and unlike a bootstrap of percentiles it holds what
it says with five units (`tests/studies/test_frame_statistics.py` measures both). Where there are units enough for
it, a test by flipping signs must agree.
"""

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from scipy import stats

FLIPS_FROM = 12
"""Units from which on signs are flipped: 2**-12 is below what any correction here asks for."""
FLIPS = 9999
LEVEL = 0.95
POWER_DRAWS = 20_000

Table = np.ndarray
"""[units, 4]: the arm's numerator and denominator, then those of what it is held against."""


class Tally(Struct, frozen=True, array_like=True):
    """What one unit adds: `part` by `whole` is the unit's own value of the measure."""

    setting: str
    arm: str
    measure: str
    unit: str
    part: float
    whole: float


class Interval(Struct, frozen=True):
    """A value with its interval of 95%."""

    value: float
    low: float
    high: float


class Contrast(Struct, frozen=True):
    """An effect over units, and how surprising it would be under two hypotheses; p-values are one-sided."""

    effect: Interval
    p_none: float
    """If the true effect were `none` or less."""
    p_smallest: float
    """If the true effect were `smallest` or more."""
    units: int


def contrast(table: Table, *, ratio: bool, sign: int, none: float, smallest: float, seed: int) -> Contrast | None:
    """The effect and its tests against both bounds; None where it is not defined. `sign`: -1 where less is claimed."""
    with np.errstate(divide="ignore", invalid="ignore"):
        pseudo = sign * pseudo_values(table, ratio=ratio)
        value = float(sign * _effect(table.sum(axis=0), ratio=ratio))
    if (effect := _around(value, pseudo)) is None:
        return None
    p_none, p_smallest = p_above(pseudo, none, seed=seed), p_above(-pseudo, -smallest, seed=seed)
    return Contrast(effect, p_none, p_smallest, len(pseudo))


def interval(parts: np.ndarray, wholes: np.ndarray) -> Interval | None:
    """One arm's own value over its units; None where it is not defined."""
    table = np.stack([parts, wholes, np.zeros(len(parts)), np.ones(len(parts))], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _around(float(parts.sum() / wholes.sum()), pseudo_values(table, ratio=False))


def _around(value: float, pseudo: np.ndarray) -> Interval | None:
    """The value with Student's interval on the pseudo-values; None where one of them is not defined."""
    if len(pseudo) < 2 or not (math.isfinite(value) and np.isfinite(pseudo).all()):
        return None
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(pseudo) - 1) * _standard_error(pseudo))
    return Interval(value, value - half, value + half)


def _effect(sums: np.ndarray, *, ratio: bool) -> np.ndarray:
    arm, against = sums[..., 0] / sums[..., 1], sums[..., 2] / sums[..., 3]
    return np.log(arm / against) if ratio else arm - against


def pseudo_values(table: Table, *, ratio: bool) -> np.ndarray:
    """What each unit says of the effect, by leaving it out (Tukey 1958): for a mean, the unit's own effect. [units]"""
    total, units = table.sum(axis=0), len(table)
    return units * _effect(total, ratio=ratio) - (units - 1) * _effect(total - table, ratio=ratio)


def p_above(pseudo: np.ndarray, bound: float, *, seed: int) -> float:
    """One-sided p-value of a true mean at most `bound`: Student's, and not below that of flipped signs."""
    above = pseudo - bound
    if _constant(above):
        return 2.0 ** -len(above) if above.mean() > 0 else 1.0
    by_t = float(stats.t.sf(above.mean() / _standard_error(above), len(above) - 1))
    if len(above) < FLIPS_FROM:
        return by_t
    flipped = stats.permutation_test(
        (above,), np.mean, permutation_type="samples", vectorized=True, n_resamples=FLIPS, alternative="greater",
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    return max(by_t, float(flipped.pvalue))


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def _constant(values: np.ndarray) -> bool:
    return bool(np.ptp(values) <= 1e-9 * max(1.0, float(np.abs(values).max())))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order given: at most `alpha` of families have a false one below it."""
    count, adjusted, largest = len(p_values), [0.0] * len(p_values), 0.0
    for rank, at in enumerate(sorted(range(count), key=lambda at: p_values[at])):
        largest = max(largest, min(1.0, (count - rank) * p_values[at]))
        adjusted[at] = largest
    return adjusted


def power(*, expected: float, unit_sd: float, units: int, alpha: float, smallest: float) -> float:
    """The chance that an effect of that size is called supported: significant at `alpha`, one-sided, and found to be
    `smallest` or more. By simulation of normal units; the same each time."""
    rng = np.random.default_rng(0)
    sem = unit_sd / math.sqrt(units)
    found = expected + sem * rng.standard_normal(POWER_DRAWS)
    spread = sem * np.sqrt(rng.chisquare(units - 1, POWER_DRAWS) / (units - 1))
    return float(np.mean((found / spread > stats.t.ppf(1 - alpha, units - 1)) & (found >= smallest)))


def power_of_none(*, unit_sd: float, units: int, alpha: float, smallest: float) -> float:
    """The chance that no effect at all is called not supported."""
    away = smallest / (unit_sd / math.sqrt(units))
    return float(stats.nct.sf(stats.t.ppf(1 - alpha, units - 1), units - 1, away))
