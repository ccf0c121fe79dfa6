"""Decides whether a step changed the chance of a right answer, from the rollouts on both of its sides.

Method: A_i = Q_i - Q_(i-1) (Setlur et al. 2024, arXiv 2406.14532, section 5). With n rollouts on a side, k of them
right, Q there has the posterior Beta(k + 1/2, n - k + 1/2). Its prior is Jeffreys': the same on both sides, and
symmetric in right and wrong. The step lost `fall` or more with the probability

    P(A <= -fall) = integral over x of f_before(x) F_after(x - fall)

A step is *critical* when that probability is at least `SURE`, with at least `LEAST` rollouts on each side. Posterior
means are never compared: with 16 rollouts and with 2, all right, they differ by a quarter, which means nothing.

Degenerate cases: a Q that is known exactly (0 for a whole wrong solution) needs no rollouts; its side is a point. A
side without rollouts decides nothing. A step that lost nothing is called critical in at most `FALSE` of all cases,
whatever the two n and Q are, for every fall from 0.01 on (`tests/actors/exports/test_advantages.py` counts them all).
"""

from functools import lru_cache
from typing import Any

import numpy as np
from msgspec import Struct

from schemas.credit import CreditLabel, PrefixValue

SURE = 0.98
LEAST = 3
FALSE = 0.05
SMALLEST_FALL = 0.01
"""A step that is critical at a larger fall is critical at this one too."""
CHANGE = 0.05
"""The least change of Q that gets a weight."""
_JEFFREYS = 0.5
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_QUANTILES, _SHARES = (_POINTS + 1) / 2, _WEIGHTS / 2


def fall_chance(before: PrefixValue, after: PrefixValue, fall: float) -> float | None:
    """P(A <= -fall) for the step between two prefixes. None when a side has fewer than `LEAST` rollouts. `fall` is in
    [0, 1]."""
    if not (_is_measured(before) and _is_measured(after)):
        return None
    return _chance(_side(before), _side(after), fall)


def is_critical(label: CreditLabel, step: int, fall: float) -> bool:
    """Whether this step, counted from 1, lost `fall` or more (see above)."""
    chance = fall_chance(label.values[step - 1], label.values[step], fall)
    return chance is not None and chance >= SURE


def critical_steps(label: CreditLabel, fall: float, *, before: int | None = None) -> list[int]:
    """The critical steps in order. `before`: only those before this step."""
    end = label.steps + 1 if before is None else before
    return [step for step in range(1, end) if is_critical(label, step, fall)]


def weight(label: CreditLabel, step: int) -> float | None:
    """The advantage A of a step, counted from 1, if Q surely fell or rose by `CHANGE`; 0 if it did not; None when a
    side has too few rollouts to decide."""
    before, after = label.values[step - 1], label.values[step]
    fell, rose = fall_chance(before, after, CHANGE), fall_chance(after, before, CHANGE)
    if fell is None or rose is None:
        return None
    return label.advantage(step) if max(fell, rose) >= SURE else 0.0


def weights(label: CreditLabel) -> tuple[float | None, ...]:
    """The weight of every step, in order."""
    return tuple(weight(label, step) for step in range(1, label.steps + 1))


def _special() -> Any:
    """SciPy's import takes a fifth of a second of CPU, so only processes that credit steps import it."""
    from scipy import special

    return special


class _Beta(Struct, frozen=True):
    """A posterior of Q."""

    right: float
    wrong: float


_Side = _Beta | float
"""The posterior of Q, or Q itself when it is known."""


def _is_measured(value: PrefixValue) -> bool:
    return _is_known(value) or value.n >= LEAST


def _is_known(value: PrefixValue) -> bool:
    return value.q is not None and value.low == value.high


def _side(value: PrefixValue) -> _Side:
    if _is_known(value):
        assert value.q is not None
        return value.q
    return _Beta(value.k + _JEFFREYS, value.n - value.k + _JEFFREYS)


@lru_cache(maxsize=100_000)
def _chance(before: _Side, after: _Side, fall: float) -> float:
    """Integrates over the quantiles of one side, so that the density, unbounded at 0 and 1, is not needed."""
    if isinstance(before, _Beta):
        drawn = _special().betaincinv(before.right, before.wrong, _QUANTILES)
        return float(np.dot(_SHARES, _at_most(after, drawn - fall)))
    return float(_at_most(after, before - fall))


def _at_most(side: _Side, bound: np.ndarray | float) -> np.ndarray:
    """P(Q <= bound)."""
    if isinstance(side, _Beta):
        return _special().betainc(side.right, side.wrong, np.clip(bound, 0.0, 1.0))
    return np.asarray(bound >= side, dtype=float)
