"""Which step is the first pit: the probability of each, given the rollouts. Law: pure, of tallies alone.

Steps are taken as independent given their rollouts. Both definitions are of the paper's section 6; `LOWEST` of a wrong
solution compares with 0, the Q of the solution itself, so there the two differ by their tolerance alone.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from msgspec import Struct
from scipy.special import betainc

from actors.credit.posterior import PRIOR, Prior, at_most, mean
from schemas.credit import PitRule, Tally

CELLS = 100
"""The lowest Q is looked for on a grid of so many cells; no tolerance is smaller than one of them."""
_EDGES = np.linspace(0.0, 1.0, CELLS + 1)


class Question(Struct, frozen=True):
    """What is asked of the tallies. `wrong`: the last step's Q is known to be 0."""

    rule: PitRule
    tolerance: float
    """Of Q itself; at least 1 / CELLS."""
    wrong: bool
    prior: Prior = PRIOR


def bad_chances(tallies: Sequence[Tally], question: Question) -> list[float]:
    """Probability of each step that its Q counts as lowest (or as 0). `tallies[i - 1]` is of step i."""
    bound = question.tolerance
    if question.rule is PitRule.LOWEST and not question.wrong:
        bound += min(mean(tally, question.prior) for tally in tallies)
    chances = [at_most(bound, tally, question.prior) for tally in tallies]
    if question.wrong:
        chances[-1] = 1.0
    return chances


def first_pit_chances(tallies: Sequence[Tally], question: Question) -> list[float]:
    """Probability of each step that it is the first pit; what is missing to 1: that there is none (`ZERO`)."""
    if question.rule is PitRule.LOWEST and not question.wrong:
        return _first_lowest(tallies, question)
    chances: list[float] = []
    reached = 1.0
    for bad in bad_chances(tallies, question):
        chances.append(reached * bad)
        reached *= 1 - bad
    return chances


def _first_lowest(tallies: Sequence[Tally], question: Question) -> list[float]:
    """Sums over the cell that the lowest Q lies in: earlier steps are above it by more than the tolerance, this one is
    not, and the lowest is this one or a later one."""
    grids = [_grid(tally, question.tolerance, question.prior) for tally in tallies]
    above_later = np.ones((len(tallies) + 1, CELLS + 1))
    for step in reversed(range(len(tallies))):
        above_later[step] = above_later[step + 1] * (1 - grids[step][0])
    chances: list[float] = []
    clear = np.ones(CELLS)
    for step, (below, near) in enumerate(grids):
        later = above_later[step + 1]
        in_cell = (near - below[:-1]) * later[:-1] - np.maximum(near - below[1:], 0) * later[1:]
        chances.append(float(np.sum(clear * in_cell)))
        clear = clear * (1 - near)
    total = sum(chances)
    return [chance / total for chance in chances]


@lru_cache(maxsize=10_000)
def _grid(tally: Tally, tolerance: float, prior: Prior) -> tuple[np.ndarray, np.ndarray]:
    """P(Q <= edge) of every edge, and P(Q <= edge + tolerance) of every cell's lower edge."""
    alpha, beta = prior.right + tally.k, prior.wrong + tally.n - tally.k
    return betainc(alpha, beta, _EDGES), betainc(alpha, beta, np.minimum(1.0, _EDGES[:-1] + tolerance))
