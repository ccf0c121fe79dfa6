"""What the SFT policy drew of the training problems, and what credit says of its wrong solutions. Law: drawn and
credited once for all arms, and kept as texts."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from schemas.config_credit import Credit
from schemas.credit import CreditLabel
from studies.scale.policy import Policy
from studies.scale.problems import WorkedProblem
from studies.scale.settings import Settings
from studies.scale.texts import END, TextLab, TextSampler, held, rollouts_of
from studies.stepwise import arms
from studies.stepwise.credits import Credited, Drawn, Rollouts, credited, target
from studies.stepwise.lab import Solution


class HeldSolution(Struct, frozen=True, array_like=True):
    """Of a solution, what is not its problem's. `compared`: it counts as ended (`texts.held`)."""

    text: str
    ended: bool
    compared: bool
    right: bool

    @staticmethod
    def of(one: Solution) -> "HeldSolution":
        return HeldSolution(one.text, END in one.ids, one.ended, one.right)

    def read(self, problem: WorkedProblem) -> Solution:
        wrong = self.compared and not self.right
        return held(problem, self.text, ended=self.ended, right=self.right, wrong=wrong)


class HeldDraws(Struct, frozen=True):
    """As they lie in a file. `solutions`: of each problem in turn, as many of each. `rollouts`: the problem's number,
    the prefix, the whole solutions. Tokens are the policy's, of draws and rollouts together."""

    solutions: list[HeldSolution]
    rollouts: list[tuple[int, str, list[HeldSolution]]]
    labels: list[CreditLabel]
    generated: int
    prompted: int


@dataclass(frozen=True)
class Draws:
    """`rollouts`: the solutions are among them, as rollouts from nothing."""

    solutions: list[Solution]
    rollouts: Rollouts
    labels: list[Credited]


def held_draws(policy: Policy, problems: Sequence[WorkedProblem], settings: Settings) -> HeldDraws:
    """Draws and credits."""
    lab = TextLab(TextSampler(policy, {one.text: one for one in problems}, settings.temperature))
    asked = [one for one in problems for _ in range(settings.draws)]
    solutions = lab.solutions(asked, seed=settings.seed)
    rollouts = rollouts_of(lab, settings.seed + 1)
    for one in solutions:
        rollouts.drawn[one.problem.text, ""].append(one)
    wrong = arms.negatives(solutions, settings.kept_wrong)
    labels = credited(rollouts, wrong, Credit(max_rollouts=settings.max_rollouts))
    numbers = {one.text: number for number, one in enumerate(problems)}
    found = [
        (numbers[text], prefix, [HeldSolution.of(one) for one in drawn])
        for (text, prefix), drawn in rollouts.drawn.items()
        if prefix
    ]
    kept = [HeldSolution.of(one) for one in solutions]
    return HeldDraws(kept, found, [one.label for one in labels], policy.generated, policy.prompted)


def read(found: HeldDraws, problems: Sequence[WorkedProblem], settings: Settings) -> Draws:
    """From texts to solutions."""
    solutions = [one.read(problems[place // settings.draws]) for place, one in enumerate(found.solutions)]
    drawn: Drawn = {}
    for one in solutions:
        drawn.setdefault((one.problem.text, ""), []).append(one)
    for number, prefix, rolled in found.rollouts:
        drawn[problems[number].text, prefix] = [one.read(problems[number]) for one in rolled]
    wrong = arms.negatives(solutions, settings.kept_wrong)
    labels = [
        Credited(one, target(one, number), label)
        for number, (one, label) in enumerate(zip(wrong, found.labels, strict=True))
    ]
    return Draws(solutions, rollouts_of(None, settings.seed, drawn), labels)
