"""What scores are worth against labels, with 95% intervals by source text.

Law: a row that could not be judged is in no ranking, and never passes; how many there were stands beside every figure.
Rows of one source are drawn together. A threshold is chosen on one half of the sources and used on the other alone.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from studies.provenance.bootstrap import Bootstrap, Estimate, auroc, estimate, ratio
from studies.real_text.sets import SetRow

RESAMPLES = 2000
Score = float | None
"""None: the gate could not judge."""


class Measured(Struct, frozen=True):
    """One gate in one mode on one set. `f1`: of finding what is not supported, on the half of the sources that the
    threshold was not chosen on; `f1_of_rejecting_all`: what a gate that rejects everything has there."""

    rows: int
    judged: int
    auroc: Estimate
    threshold: float
    f1: Estimate
    f1_of_rejecting_all: Estimate


def measured(rows: Sequence[SetRow], scores: Sequence[Score], *, seed: int = 0) -> Measured:
    """All that is said of one gate in one mode."""
    sources = _numbers(rows)
    judged = np.array([score is not None for score in scores])
    values = np.array([-np.inf if score is None else score for score in scores])
    labels = np.array([row.supported for row in rows])
    drawn = _weights(sources, seed)
    chosen_on = _half(rows)
    threshold = _best_threshold(values[chosen_on], labels[chosen_on])
    held_out = ~chosen_on
    return Measured(
        rows=len(rows),
        judged=int(judged.sum()),
        auroc=estimate(auroc(values[judged], labels[judged], drawn[:, judged])),
        threshold=threshold,
        f1=estimate(_f1(values[held_out] < threshold, ~labels[held_out], drawn[:, held_out])),
        f1_of_rejecting_all=estimate(
            _f1(np.ones(int(held_out.sum()), dtype=bool), ~labels[held_out], drawn[:, held_out])
        ),
    )


def youden_threshold(rows: Sequence[SetRow], scores: Sequence[Score]) -> float:
    """The lowest of the thresholds at which the share of supported rows that pass, less that of the others, is largest
    (Youden 1950). A row without a score never passes."""
    values = np.array([-np.inf if score is None else score for score in scores])
    labels = np.array([row.supported for row in rows])
    candidates = np.unique(values[np.isfinite(values)])
    passing = values[None, :] >= candidates[:, None]
    gained = passing[:, labels].mean(axis=1) - passing[:, ~labels].mean(axis=1)
    return float(candidates[int(np.argmax(gained))])


def difference(rows: Sequence[SetRow], a: Sequence[Score], b: Sequence[Score], *, seed: int = 0) -> Estimate:
    """AUROC of `a` less that of `b`, over the rows that both judged; the same sources are drawn for both."""
    both = np.array([one is not None and other is not None for one, other in zip(a, b, strict=True)])
    labels = np.array([row.supported for row in rows])[both]
    drawn = _weights(_numbers(rows), seed)[:, both]
    one, other = (np.array(list(scores), dtype=float)[both] for scores in (a, b))
    return estimate(auroc(one, labels, drawn) - auroc(other, labels, drawn))


def _numbers(rows: Sequence[SetRow]) -> np.ndarray:
    places = {source: place for place, source in enumerate(dict.fromkeys(row.source for row in rows))}
    return np.array([places[row.source] for row in rows])


def _weights(sources: np.ndarray, seed: int) -> np.ndarray:
    """How often each row is drawn: [1 + resamples, rows]."""
    clusters = [(0, int(source)) for source in sources]
    return Bootstrap(clusters, resamples=RESAMPLES, seed=seed).drawn(clusters)


def _half(rows: Sequence[SetRow]) -> np.ndarray:
    """Which rows a threshold is chosen on: those of every second source, by the order of the sources' ids, which are
    made from their texts and say nothing of labels."""
    ranked = {source: place for place, source in enumerate(sorted({row.source for row in rows}))}
    return np.array([ranked[row.source] % 2 == 0 for row in rows])


def _best_threshold(scores: np.ndarray, labels: np.ndarray) -> float:
    """The lowest of the thresholds with the highest F1 of finding what is not supported."""
    candidates = np.unique(scores[np.isfinite(scores)])
    if not len(candidates):
        return float("inf")
    ones = np.ones((1, len(scores)))
    worth = [float(np.nan_to_num(_f1(scores < each, ~labels, ones)[0])) for each in candidates]
    return float(candidates[int(np.argmax(worth))])


def _f1(found: np.ndarray, wanted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    hits = weights @ (found & wanted).astype(float)
    return ratio(2 * hits, weights @ found.astype(float) + weights @ wanted.astype(float))
