"""The `credit:` section: rejected solutions are credited step by step, within bounds."""

from typing import Annotated, Literal

from schemas.config_base import Config, Natural, Positive, Probability, Seconds, any_resume, replay


class Credit(Config, frozen=True):
    """Rollouts from the prefixes of a rejected solution find the step where it broke (math)."""

    strategy: Annotated[
        Literal["full", "binary"],
        replay(
            "What narrows the first pit down most, then `min_rollouts` of every step; or binary search with a check."
        ),
    ] = "full"
    first_pit: Annotated[
        Literal["lowest", "zero"], replay("The first of the steps with the lowest Q; or the first step with Q = 0.")
    ] = "zero"
    tolerance: Annotated[
        float,
        replay("`lowest`: so close to the lowest counts as lowest. `zero`: so small a Q counts as 0.", ge=0.01, le=0.5),
    ] = 0.1
    best_of: Annotated[int, replay("K: the tolerance is one of Q under best-of-K, 1 - (1 - Q)^K.", ge=1, le=64)] = 1
    confidence: Annotated[
        float,
        replay("Probability that the first pit is right, at which no more rollouts are asked for.", ge=0.5, le=0.999),
    ] = 0.9
    min_rollouts: Annotated[Natural, replay("Of each step (`full` only); shared ones count.")] = 1
    max_rollouts: Annotated[Positive, any_resume("Asked for one solution; then its label is the likeliest one.")] = 48
    at_once: Annotated[
        int,
        any_resume(
            "Rollouts of one solution under way together: more end sooner, and more are asked for in vain.",
            ge=1,
            le=256,
        ),
    ] = 4
    check_steps: Annotated[
        Natural, replay("Steps before what the binary search found that must be good (`binary` only).")
    ] = 2
    token_share: Annotated[
        Probability,
        any_resume("Of all tokens of the run; beyond it no solution is credited, and a rejected one is drawn again."),
    ] = 0.5
    lease_share: Annotated[
        Probability,
        any_resume(
            "Of what is handed out while other orders wait too: rollouts. While none does, they have all of it."
        ),
    ] = 0.25
    max_open: Annotated[Positive, any_resume("Solutions being credited at once; a further one is not credited.")] = (
        1_000
    )
    wait_s: Annotated[
        Seconds,
        any_resume("A rejected solution waits at most so long for its label, in seconds; then it is drawn again."),
    ] = 600.0
