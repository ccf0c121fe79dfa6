"""What rollouts say about Q: a Beta posterior. Law: pure; takes a tally and a prior, gives numbers in [0, 1].

The prior has most of its mass near 0 and near 1, since most steps are either harmless or fatal. With it, eight failures
in a row already indicate a fatal step; a uniform prior would need forty.
"""

from functools import lru_cache

from msgspec import Struct
from scipy.special import betainc, betaincinv

from schemas.credit import RolloutTally


class Prior(Struct, frozen=True):
    """Beta(right, wrong), both above 0."""

    right: float = 0.25
    wrong: float = 0.75


PRIOR = Prior()
"""The prior for a prefix with steps."""
START_PRIOR = Prior(1.0, 1.0)
"""The prior for the problem alone: solve rates can be anywhere, and a few draws must not move them to an end. For rates
from 0.1 to 0.9 its interval after three draws holds the truth as often as it claims; that of `PRIOR` in two of three
cases."""


def mean(tally: RolloutTally, prior: Prior = PRIOR) -> float:
    """The posterior mean of Q."""
    return (prior.right + tally.k) / (prior.right + prior.wrong + tally.n)


@lru_cache(maxsize=100_000)
def at_most(bound: float, tally: RolloutTally, prior: Prior = PRIOR) -> float:
    """The probability that Q is at most `bound`."""
    return float(betainc(prior.right + tally.k, prior.wrong + tally.n - tally.k, bound))


@lru_cache(maxsize=100_000)
def interval(tally: RolloutTally, confidence: float, prior: Prior = PRIOR) -> tuple[float, float]:
    """The central credible interval of Q."""
    alpha, beta = prior.right + tally.k, prior.wrong + tally.n - tally.k
    tail = (1 - confidence) / 2
    return float(betaincinv(alpha, beta, tail)), float(betaincinv(alpha, beta, 1 - tail))


def best_of(q: float, draws: int) -> float:
    """Q under best-of-`draws` of the same policy, 1 - (1 - Q)^K. Plain rollouts serve any K (section 5)."""
    return 1 - (1 - q) ** draws


def best_of_mean(tally: RolloutTally, draws: int, prior: Prior = PRIOR) -> float:
    """The posterior mean of 1 - (1 - Q)^K. `best_of(mean)` would be too high while Q is uncertain."""
    missed, total = prior.wrong + tally.n - tally.k, prior.right + prior.wrong + tally.n
    chance = 1.0
    for draw in range(draws):
        chance *= (missed + draw) / (total + draw)
    return 1 - chance


def plain_tolerance(tolerance: float, draws: int) -> float:
    """The Q whose best-of-`draws` is `tolerance`. It turns a bound on Q_BoK into one on Q."""
    return 1 - (1 - tolerance) ** (1 / draws)
