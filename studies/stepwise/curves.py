"""Error against problems, and how many times the problems SFT would need: fits and intervals.

Law: a multiplier compares an arm's measured error with the curve fitted to SFT's errors alone. One that lies beyond the
largest size at which SFT was measured is marked as extrapolated.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000
LARGEST = 100.0
"""Logarithm of the largest size a curve speaks of: a flat one says of most errors that it never gets there."""
MOST = 1e6
"""The largest multiplier, and what stands for one without end; its inverse is the smallest."""


@dataclass(frozen=True)
class Point:
    """One arm's errors at one size. `wrong` [seeds, problems]: 1 where the likeliest solution is wrong."""

    size: int
    wrong: np.ndarray

    @property
    def error(self) -> float:
        """Mean over seeds and problems."""
        return float(self.wrong.mean())


@dataclass(frozen=True)
class Curve:
    """error = scale * size ** -slope, fitted to logarithms by least squares."""

    scale: float
    slope: float

    def error(self, size: float) -> float:
        """What the curve says of a size."""
        return self.scale * size**-self.slope

    def size(self, error: float) -> float:
        """The size at which the curve reaches the error; infinite where it never does, or beyond e^LARGEST."""
        if self.slope <= 0 or error <= 0:
            return math.inf
        log = math.log(self.scale / error) / self.slope
        return math.exp(log) if log < LARGEST else math.inf


def fitted(sizes: Sequence[int], errors: Sequence[float]) -> Curve:
    """The curve through the points, in logarithms; needs two sizes."""
    slope, intercept = np.polyfit(np.log(sizes), np.log(np.maximum(errors, 1e-4)), 1)
    return Curve(math.exp(float(intercept)), -float(slope))


@dataclass(frozen=True)
class Multiplier:
    """How many times the problems SFT needs. `low`, `high`: 95% of bootstrap resamples, over seeds and problems."""

    value: float
    low: float
    high: float
    extrapolated: bool


def multiplier(sft: Sequence[Point], arm: Sequence[Point], *, seed: int = 0, resamples: int = RESAMPLES) -> Multiplier:
    """The geometric mean over the arm's sizes, with its interval. Each resample draws seeds (each size's own) and test
    problems (the same for all), and fits SFT's curve anew."""
    dice = np.random.default_rng(seed)
    value = _ratio([(p.size, p.error) for p in sft], [(p.size, p.error) for p in arm])
    problems = sft[0].wrong.shape[1]
    found: list[float] = []
    for _ in range(resamples):
        chosen = dice.integers(problems, size=problems)
        found.append(_ratio(*([(p.size, _resampled(p, chosen, dice)) for p in points] for points in (sft, arm))))
    low, high = np.quantile(found, [0.025, 0.975], method="nearest")
    reach = max(p.size for p in sft)
    curve = fitted([p.size for p in sft], [p.error for p in sft])
    beyond = any(curve.size(max(p.error, 1e-4)) > reach for p in arm)
    return Multiplier(value, float(low), float(high), beyond)


def difference(arm: Sequence[Point], other: Sequence[Point], *, seed: int = 0) -> tuple[float, float, float]:
    """The arm's error less the other's, mean over the sizes, with the ends of its 95% interval: resampled are the
    seeds (the same for both: they share problems and policy) and the test problems."""
    dice = np.random.default_rng(seed)
    gaps = [one.wrong - two.wrong for one, two in zip(arm, other, strict=True)]
    found: list[float] = []
    for _ in range(RESAMPLES):
        chosen = dice.integers(gaps[0].shape[1], size=gaps[0].shape[1])
        means = [gap[dice.integers(len(gap), size=len(gap))][:, chosen].mean() for gap in gaps]
        found.append(float(np.mean(means)))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(np.mean([gap.mean() for gap in gaps])), float(low), float(high)


def _resampled(point: Point, problems: np.ndarray, dice: np.random.Generator) -> float:
    seeds = dice.integers(len(point.wrong), size=len(point.wrong))
    return float(point.wrong[seeds][:, problems].mean())


def _ratio(sft: Sequence[tuple[int, float]], arm: Sequence[tuple[int, float]]) -> float:
    curve = fitted([size for size, _ in sft], [error for _, error in sft])
    logs = [math.log(min(max(curve.size(max(error, 1e-4)) / size, 1 / MOST), MOST)) for size, error in arm]
    return math.exp(sum(logs) / len(logs))
