"""The `credit:` section: rejected solutions are credited step by step, within limits."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from schemas.config_base import Config, Natural, Positive, Probability, any_resume, replay


class Credit(Config, frozen=True):
    """Rollouts from the prefixes of a rejected solution find the step where it broke (math)."""

    gone: ClassVar[Mapping[str, str]] = {
        "strategy": "leave it out; rollouts go where they tell most, and the binary search that lost is a study's",
        "check_steps": "leave it out; the binary search that it belonged to is a study's",
        "lease_share": "leave it out; rollouts get a quarter of what is handed out while other orders wait too",
        "max_open": "leave it out; 1,000 solutions are credited at once",
        "wait_s": "leave it out; a rejected solution waits for its label for ten minutes at most",
        "first_pit": "leave it out; it is the first step with Q = 0 (of a wrong solution the lowest Q is 0 too)",
    }

    tolerance: Annotated[
        float,
        replay("So small a Q counts as 0: the first step with such a Q is the first pit.", ge=0.01, le=0.5),
    ] = 0.1
    best_of: Annotated[int, replay("K: the tolerance is one of Q under best-of-K, 1 - (1 - Q)^K.", ge=1, le=64)] = 1
    confidence: Annotated[
        float,
        replay("Probability that the first pit is right, at which no more rollouts are asked for.", ge=0.5, le=0.999),
    ] = 0.9
    min_rollouts: Annotated[Natural, replay("Of each step; shared ones count.")] = 1
    max_rollouts: Annotated[Positive, any_resume("Asked for one solution; then its label is the likeliest one.")] = 48
    at_once: Annotated[
        int,
        any_resume(
            "Rollouts of one solution under way together: more end sooner, and more are asked for in vain.",
            ge=1,
            le=256,
        ),
    ] = 4
    token_share: Annotated[
        Probability,
        any_resume("Of all tokens of the run; beyond it no solution is credited, and a rejected one is drawn again."),
    ] = 0.5
