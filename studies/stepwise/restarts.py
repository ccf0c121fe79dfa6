"""Ways to spend tokens on a wrong solution, with everything that each needs (plan 2).

Law: a draw pays its prompt, its prefix and what it generates, each time; the credit that found the good step is paid by
`restart_net` alone, with the prompts of its rollouts. All ways have the same number of draws.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from studies.stepwise.credits import Credited, Rollouts
from studies.stepwise.lab import Lab, Solution
from studies.stepwise.net import Net

FREE, NET, RANDOM, SCRATCH = "restart_free", "restart_net", "restart_random", "scratch"


@dataclass(frozen=True)
class Spent:
    """What a way recovered of the solutions, and the tokens that it took."""

    recovered: int
    tokens: int


@dataclass(frozen=True)
class Tries:
    """How the solutions are drawn again."""

    lab: Lab
    policy: Net
    draws: int
    seed: int

    def after(self, begun: Sequence[tuple[Solution, str]]) -> Spent:
        """Draws each solution again after the first steps given, until it is right or the draws are spent."""
        words, left, recovered, tokens = self.lab.words, list(begun), 0, 0
        for draw in range(self.draws):
            starts = [(one.problem, words.ids(prefix)) for one, prefix in left]
            prompts = [words.asked(problem.text) + ids for problem, ids in starts]
            ended = self.lab.sampler.completions(self.policy, prompts, seed=self.seed + draw) if prompts else []
            tokens += sum(map(len, prompts)) + sum(map(len, ended))
            right = [
                self.lab.read(problem, prefix + ids).right
                for (problem, prefix), ids in zip(starts, ended, strict=True)
            ]  # fmt: skip
            recovered += sum(right)
            left = [one for one, done in zip(left, right, strict=True) if not done]
        return Spent(recovered, tokens)


def compared(tries: Tries, labels: Sequence[Credited], credit_tokens: int, dice: random.Random) -> dict[str, Spent]:
    """Each way on the same credited solutions. `credit_tokens`: of the credit, prompts included (`credit_cost`)."""
    good = tries.after([(one.solution, one.target.prefix(last_good(one))) for one in labels])
    return {
        FREE: good,
        NET: Spent(good.recovered, good.tokens + credit_tokens),
        RANDOM: tries.after([(one.solution, one.target.prefix(dice.randrange(last_good(one) + 1))) for one in labels]),
        SCRATCH: tries.after([(one.solution, "") for one in labels]),
    }


def last_good(one: Credited) -> int:
    """How many steps stand before the first pit."""
    return (one.label.first_pit or one.label.steps) - 1


def credit_cost(lab: Lab, rollouts: Rollouts) -> int:
    """Tokens of all rollouts that were asked for, each with its prompt and prefix."""
    words = lab.words
    return sum(
        len(words.asked(text)) + len(one.ids)
        for (text, _), drawn in rollouts.drawn.items()
        for one in drawn
    )  # fmt: skip
