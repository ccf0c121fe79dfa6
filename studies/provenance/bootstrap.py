"""Estimates with 95% intervals: a bootstrap over seeds, and within each over passages.

Law: what belongs to one passage of one seed is drawn together, whatever arm, gate or judge it is of, so that
differences are paired; every statistic is a function of sums over passages.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct

Cluster = tuple[int, int]
"""A seed and one of its passages."""
Counted = tuple[Cluster, Mapping[str, float]]
"""What something adds to the sums of its passage."""
Sums = Mapping[str, np.ndarray]
"""Each an array over resamples."""


class Estimate(Struct, frozen=True):
    """A figure with its interval of 95%; -1 where there is nothing to divide by."""

    value: float
    low: float
    high: float


class Bootstrap:
    """The same resamples for every statistic of a study."""

    def __init__(self, clusters: Iterable[Cluster], *, resamples: int, seed: int = 0) -> None:
        self.clusters: Sequence[Cluster] = sorted(set(clusters))
        self._place = {cluster: place for place, cluster in enumerate(self.clusters)}
        self.weights = _weights(self.clusters, resamples, np.random.default_rng(seed))
        """How often each cluster is drawn: [1 + resamples, clusters]; the first row is all of them once."""

    def sums(
        self, counts: Iterable[tuple[Cluster, Mapping[str, float]]], names: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Weighted sums by name, over resamples."""
        table = np.zeros((len(self.clusters), len(names)))
        for cluster, values in counts:
            table[self._place[cluster]] += [values.get(name, 0.0) for name in names]
        return dict(zip(names, (self.weights @ table).T, strict=True))

    def drawn(self, clusters: Sequence[Cluster]) -> np.ndarray:
        """How often each of these clusters is drawn: [1 + resamples, given]."""
        return self.weights[:, [self._place[cluster] for cluster in clusters]]


def estimate(values: np.ndarray) -> Estimate:
    """From the statistic of all (first) and of each resample; resamples in which it is undefined are left out."""
    drawn = values[1:][np.isfinite(values[1:])]
    low, high = np.percentile(drawn, [2.5, 97.5]) if len(drawn) else (np.nan, np.nan)
    return Estimate(*(round(float(value), 5) if np.isfinite(value) else -1.0 for value in (values[0], low, high)))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, undefined where there is no whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def auroc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of each row of weights [rows, samples]: the chance that a positive scores above a negative, ties counted half."""
    order = np.argsort(scores, kind="stable")
    _, first = np.unique(scores[order], return_index=True)
    positive = np.add.reduceat(weights[:, order] * labels[order], first, axis=1)
    negative = np.add.reduceat(weights[:, order] * ~labels[order], first, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    return ratio((positive * (below + negative / 2)).sum(1), positive.sum(1) * negative.sum(1))


def _weights(clusters: Sequence[Cluster], resamples: int, rng: np.random.Generator) -> np.ndarray:
    seeds = sorted({seed for seed, _ in clusters})
    of_seed = {seed: [place for place, cluster in enumerate(clusters) if cluster[0] == seed] for seed in seeds}
    weights = np.zeros((1 + resamples, len(clusters)))
    weights[0] = 1
    for row in weights[1:]:
        for seed in rng.choice(seeds, size=len(seeds)):
            places = of_seed[int(seed)]
            np.add.at(row, rng.choice(places, size=len(places)), 1)
    return weights
