"""Steps as a chain of good and bad ones. Law: pure; from tallies it computes each step's chance to be the first bad
one.

Along a solution by the policy itself, Q is a martingale. So a step with Q near 0 is seldom followed by one with Q far
from 0 (the chance of Q >= x after Q <= b is at most b / x). A right rollout from a later step therefore speaks for the
earlier steps, though it does not prove them good. `recovery` is the chance that it is wrong; 0 would mean that Q can
never rise again, as monotone search assumes.
"""

from collections.abc import Sequence
from math import log

from msgspec import Struct

from actors.credit.posterior import PRIOR, Prior, at_most, mean
from schemas.credit import RolloutTally


class StepChain(Struct, frozen=True):
    """`bound`: a step with at most this Q is bad. `wrong`: the last step is bad, and no rollout starts from it."""

    bound: float
    wrong: bool
    breaks: float = 0.2
    """The chance that a step after a good one is bad."""
    recovery: float = 0.1
    """The chance that a step after a bad one is good."""
    prior: Prior = PRIOR


class StepLikelihood(Struct, frozen=True):
    """The likelihood of one step's rollouts if it is good, and if it is bad."""

    good: float
    bad: float


def evidence(tally: RolloutTally, chain: StepChain) -> StepLikelihood:
    """The likelihoods of a tally, up to a common factor."""
    bad = at_most(chain.bound, tally, chain.prior)
    before = at_most(chain.bound, RolloutTally(), chain.prior)
    return StepLikelihood((1 - bad) / (1 - before), bad / before)


def evidences(tallies: Sequence[RolloutTally], chain: StepChain) -> list[StepLikelihood]:
    """The likelihoods of every step."""
    found = [evidence(tally, chain) for tally in tallies]
    if chain.wrong:
        found[-1] = StepLikelihood(0.0, 1.0)
    return found


def first_bad(steps: Sequence[StepLikelihood], chain: StepChain) -> list[float]:
    """The probability of each step to be the first bad one. The rest to 1 is the probability that there is none."""
    after_good, after_bad = _to_come(steps, chain)
    total = after_good[0]
    clear, chances = 1.0, []
    for number, step in enumerate(steps):
        chances.append(clear * chain.breaks * step.bad * after_bad[number + 1] / total)
        clear *= (1 - chain.breaks) * step.good
    return chances


def bad_chances(steps: Sequence[StepLikelihood], chain: StepChain) -> list[float]:
    """The probability of each step to be bad, whatever the others are."""
    after_good, after_bad = _to_come(steps, chain)
    good, bad = 1.0, 0.0
    chances: list[float] = []
    for number, step in enumerate(steps):
        good, bad = (
            (good * (1 - chain.breaks) + bad * chain.recovery) * step.good,
            (good * chain.breaks + bad * (1 - chain.recovery)) * step.bad,
        )
        weigh_good, weigh_bad = good * after_good[number + 1], bad * after_bad[number + 1]
        chances.append(weigh_bad / (weigh_good + weigh_bad))
        good, bad = good / (good + bad), bad / (good + bad)
    return chances


def gains(tallies: Sequence[RolloutTally], chain: StepChain) -> dict[int, float]:
    """The expected gain, in nats, of one more rollout from each step (from 1): by how much it narrows the first bad
    one."""
    steps = evidences(tallies, chain)
    before = _entropy(first_bad(steps, chain))
    bad = bad_chances(steps, chain)
    found: dict[int, float] = {}
    for number in range(len(tallies) - chain.wrong):
        right = _right_chance(tallies[number], bad[number], chain)
        after = 0.0
        for outcome, chance in ((True, right), (False, 1 - right)):
            steps_then = list(steps)
            steps_then[number] = evidence(tallies[number].plus(right=outcome), chain)
            after += chance * _entropy(first_bad(steps_then, chain))
        found[number + 1] = max(0.0, before - after)
    return found


def _right_chance(tally: RolloutTally, bad: float, chain: StepChain) -> float:
    """The chance that the next rollout is right: Q's mean if the step is bad and if it is good, weighted by each
    chance."""
    below = at_most(chain.bound, tally, chain.prior)
    below_then = at_most(chain.bound, tally.plus(right=True), chain.prior)
    q = mean(tally, chain.prior)
    if_bad = q * below_then / below if below else 0.0
    if_good = q * (1 - below_then) / (1 - below) if below < 1 else chain.bound
    return bad * if_bad + (1 - bad) * if_good


def _to_come(steps: Sequence[StepLikelihood], chain: StepChain) -> tuple[list[float], list[float]]:
    """The likelihood of all later rollouts if the step before them is good, and if it is bad, up to a common factor."""
    good, bad = [1.0] * (len(steps) + 1), [1.0] * (len(steps) + 1)
    for number in reversed(range(len(steps))):
        if_good, if_bad = steps[number].good * good[number + 1], steps[number].bad * bad[number + 1]
        good[number] = (1 - chain.breaks) * if_good + chain.breaks * if_bad
        bad[number] = chain.recovery * if_good + (1 - chain.recovery) * if_bad
    return good, bad


def _entropy(chances: Sequence[float]) -> float:
    none = max(0.0, 1 - sum(chances))
    return -sum(chance * log(chance) for chance in (*chances, none) if chance > 0)
