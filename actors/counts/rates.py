"""Rates with their intervals. Law: none divides by zero; an unknown rate is None, never 0."""

import math
from collections.abc import Callable, Sequence

from schemas.gate_audit import Rate

Z_95 = 1.959964
"""Quantile of the normal distribution for a two-sided 95% interval."""


def share(part: float, whole: float) -> float | None:
    """part / whole, or None when there is no whole."""
    return part / whole if whole else None


def rate(successes: int, trials: int) -> Rate:
    """A rate with its 95% Wilson interval."""
    low, high = wilson(successes, trials) or (None, None)
    return Rate(successes, trials, share(successes, trials), low, high)


def wilson(successes: int, trials: int) -> tuple[float, float] | None:
    """The 95% Wilson interval of a rate (Wilson 1927); None without trials."""
    if not trials:
        return None
    rate, z2 = successes / trials, Z_95 * Z_95
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = Z_95 / (1 + z2 / trials) * math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials * trials))
    low = 0.0 if successes == 0 else max(0.0, centre - spread)
    high = 1.0 if successes == trials else min(1.0, centre + spread)
    return low, high


def f1_interval(hits: int, others: int) -> tuple[float, float] | None:
    """The 95% interval of an F1; `others`: misses and false alarms together. F1 = 2J / (1 + J) grows with J, the
    share of hits among hits and others, so J's interval gives F1's."""
    found = wilson(hits, hits + others)
    return None if found is None else (2 * found[0] / (1 + found[0]), 2 * found[1] / (1 + found[1]))


def auroc_interval(area: float, positives: int, negatives: int) -> tuple[float, float] | None:
    """The 95% interval of an AUROC, also for an area of 1 (Newcombe 2006, method 5: Hanley and McNeil's variance at the
    bound itself, as in Wilson's interval); None if a class is missing."""
    if not positives or not negatives:
        return None
    pairs, more = positives * negatives, (positives + negatives) / 2 - 1

    def within(bound: float) -> bool:
        ties = 1 + more * ((1 - bound) / (2 - bound) + bound / (1 + bound))
        return abs(area - bound) <= Z_95 * math.sqrt(max(0.0, bound * (1 - bound) * ties / pairs))

    return _furthest(within, area, 0.0), _furthest(within, area, 1.0)


def _furthest(within: Callable[[float], bool], inside: float, outside: float) -> float:
    """The last value between `inside` and `outside` that is still within."""
    for _ in range(50):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if within(middle) else (inside, middle)
    return inside


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float | None:
    """Probability that a positive scores above a negative, with ties as a half; None if a class is missing."""
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return None
    order = sorted(range(len(scores)), key=lambda index: scores[index])
    ranks = 0.0
    place = 0
    while place < len(order):
        end = place
        while end + 1 < len(order) and scores[order[end + 1]] == scores[order[place]]:
            end += 1
        tied = sum(labels[index] for index in order[place : end + 1])
        ranks += tied * ((place + end) / 2 + 1)
        place = end + 1
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)
