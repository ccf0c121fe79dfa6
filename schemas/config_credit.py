"""The `credit:` section: rejected solutions are credited step by step, within bounds."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.config_base import Config, Natural, Positive, Probability, Seconds


class Credit(Config, frozen=True):
    """Rollouts from the prefixes of a rejected solution find the step where it broke (math)."""

    strategy: Literal["full", "binary"] = "full"
    """What narrows the first pit down most, then `min_rollouts` of every step; or binary search with a check."""
    first_pit: Literal["lowest", "zero"] = "zero"
    """The first of the steps with the lowest Q; or the first step with Q = 0."""
    tolerance: Annotated[float, Meta(ge=0.01, le=0.5)] = 0.1
    """`lowest`: so close to the lowest counts as lowest. `zero`: so small a Q counts as 0."""
    best_of: Annotated[int, Meta(ge=1, le=64)] = 1
    """K: the tolerance is one of Q under best-of-K, 1 - (1 - Q)^K."""
    confidence: Annotated[float, Meta(ge=0.5, le=0.999)] = 0.9
    """Probability that the first pit is right, at which no more rollouts are asked for."""
    min_rollouts: Natural = 1
    """Of each step (`full` only); shared ones count."""
    max_rollouts: Positive = 48
    """Asked for one solution; then its label is the likeliest one."""
    at_once: Annotated[int, Meta(ge=1, le=256)] = 4
    """Rollouts of one solution under way together: more end sooner, and more are asked for in vain."""
    check_steps: Natural = 2
    """Steps before what the binary search found that must be good (`binary` only)."""
    token_share: Probability = 0.5
    """Of all tokens of the run; beyond it no solution is credited, and a rejected one is drawn again."""
    lease_share: Probability = 0.25
    """Of what is handed out while other orders wait too: rollouts. While none does, they have all of it."""
    max_open: Positive = 1_000
    """Solutions being credited at once; a further one is not credited."""
    wait_s: Seconds = 600.0
    """A rejected solution waits at most so long for its label, in seconds; then it is drawn again."""
