"""Log-probabilities that models give. Law: a number that is no log-probability is an error, never a score."""

import math
from collections.abc import Iterable

from schemas.errors import ErrorKind, JudgeError
from schemas.samples import LikelyToken

ROUNDING = 1e-3
"""A log-probability may exceed 0 by this much, because of rounding."""


def require_logprobs(tokens: Iterable[LikelyToken]) -> None:
    """Raises JudgeError (nonsense) for a NaN or a value above `ROUNDING`."""
    for token in tokens:
        if not token.logprob <= ROUNDING:  # a NaN fails this too
            raise JudgeError(ErrorKind.NONSENSE, f"the engine gave {token.logprob} as a log-probability")


def logistic(gain: float) -> float:
    """1 / (1 + exp(-gain)), in [0, 1]: 0.5 for 0."""
    power = math.exp(-abs(gain))
    return 1 / (1 + power) if gain >= 0 else power / (1 + power)
