"""Plan 2's parts: `tuning`, `arms`, `fresh` (`plan-2.yaml`, `python -m studies.frame run stepwise 2`).

Law: a test set's seed is asked for only when every net that it will measure stands. What was made before lies in the
scratch folder, so a part that is cut short goes on from there. A choice comes from the file of the part that made it.
"""

import random

import torch

from schemas.config_credit import Credit
from studies.arithmetic.world import BEYOND, problems
from studies.frame.given import Found, Given
from studies.stepwise import arms, beside, grid, tallies
from studies.stepwise.bases import DEVELOPMENT
from studies.stepwise.credit_cost import replays
from studies.stepwise.credits import Rollouts, credited
from studies.stepwise.grid import GRID, chosen
from studies.stepwise.lab import Exam, Solution
from studies.stepwise.restarts import Tries, compared, credit_cost
from studies.stepwise.start import sizes_of, trainer
from studies.stepwise.trainer import BASE, Trainer

DRAWN_FOR_ONE = 8
"""Fresh problems that are drawn for each wrong solution that is wanted."""


def run(given: Given) -> Found:
    """One part. Raises ConfigError where its base is not there."""
    torch.set_num_threads(1)
    does = {"tuning": _tuning, "arms": _arms, "fresh": _fresh}
    return does[given.part.kind.name](given)


def _tuning(given: Given) -> Found:
    """Every try of every arm on the development base. `ARM/recipe`: the number of the try that the rule takes."""
    sizes, best = sizes_of(given), dict[str, int]()
    made = trainer(given, DEVELOPMENT, best)
    asked = problems(BEYOND, sizes.development, seed=f"development {given.seed('exam', DEVELOPMENT)}")
    figures: dict[str, float] = {}
    for arm, recipes in GRID.items():
        found = [made.developed(arm, number, Exam(tuple(asked))) for number in range(min(sizes.tries, len(recipes)))]
        best[arm] = chosen([(one.error, one.sampled_error) for one in found])
        figures[f"{arm}/recipe"] = best[arm]
        for number, one in enumerate(found):
            figures |= {f"{arm}/{number}/error": one.error, f"{arm}/{number}/sampled_error": one.sampled_error}
    return Found([], figures)


def _arms(given: Given) -> Found:
    """One base: all arms, their errors on its test problems, and what each took."""
    setting, number, sizes = str(given.part.setting), int(given.part.unit or 0), sizes_of(given)
    made = trainer(given, number, _recipes(given, f"tuning-{setting}"))
    nets = {arm: made.best(arm) for arm in (BASE, *GRID)}
    figures = {**dict(beside.taken(made)), **dict(beside.overlap(made))}
    exam = Exam(tuple(problems(BEYOND, sizes.test, seed=f"test {given.look('test')}")))
    marks = {arm: exam.marks(made.cell.lab, net, seed=given.seed("exam", number)) for arm, net in nets.items()}
    figures |= dict(beside.worths(marks, {grid.SFT: sizes.problems, **sizes.curve}))
    figures |= dict(beside.moves(made, exam, sizes.moved, given.seed("moved", setting, number)))
    return Found(list(tallies.of_errors(setting, str(number), marks)), figures)


def _fresh(given: Given) -> Found:
    """Wrong solutions of new problems by the base's SFT policy: what restarts recover, and what first pits cost."""
    setting, number, sizes = str(given.part.setting), int(given.part.unit or 0), sizes_of(given)
    made = trainer(given, number, _recipes(given, f"arms-{setting}-{number}"))
    policy, lab = made.best(grid.SFT), made.cell.lab
    asked = problems(BEYOND, DRAWN_FOR_ONE * sizes.fresh, seed=f"fresh {given.look('fresh')}")
    drawn = lab.solutions(policy, asked, seed=given.seed("first draws", setting, number))
    wrong = arms.negatives(drawn, 1)[: sizes.fresh]
    rollouts = Rollouts(lab, policy, given.seed("credit", setting, number))
    labels = credited(rollouts, wrong, Credit())
    tries = Tries(lab, policy, sizes.redraws, given.seed("redraws", setting, number))
    dice = random.Random(given.seed("restarts", setting, number))
    spent = compared(tries, labels, credit_cost(lab, rollouts), dice)
    seed, sure = given.seed("pits", setting, number), wrong[: sizes.pits]
    found = replays(lab, policy, sure, truth=sizes.truth, draws=sizes.seen, seed=seed)
    first = {at: one.solution for at, one in enumerate(labels[: sizes.pits]) if 1 in beside.critical_of(one)}
    begun = {at: _solved(made, one, sizes.truth, seed + len(sure) + at) for at, one in first.items()}
    unit = str(number)
    return Found(
        [*tallies.of_restarts(setting, unit, spent), *tallies.of_pits(setting, unit, found)],
        {"wrong solutions": len(wrong), **dict(beside.doubts(labels[: sizes.pits], found, begun))},
    )


def _recipes(given: Given, part: str) -> dict[str, int]:
    """Each arm's recipe, as that part has it."""
    figures = given.earlier(part).figures
    return {arm: int(figures[f"{arm}/recipe"]) for arm in GRID}


def _solved(made: Trainer, one: Solution, draws: int, seed: int) -> float:
    """Q of the solution's problem, by the SFT policy."""
    drawn = made.cell.lab.solutions(made.best(grid.SFT), [one.problem] * draws, seed=seed)
    return sum(each.right for each in drawn) / draws
