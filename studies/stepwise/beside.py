"""What plan 2 tells beside its claims, without a verdict: figures of one base in one setting."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from actors.exports import advantages
from schemas.config_credit import Credit
from studies.arithmetic.truth import spurious
from studies.stepwise import arms, grid
from studies.stepwise.credit_cost import Replay
from studies.stepwise.credits import Credited, Rollouts, credited
from studies.stepwise.effects import moved
from studies.stepwise.lab import Exam, Marks
from studies.stepwise.trainer import BASE, Trainer

Figures = Iterator[tuple[str, float]]
NEAR = 0.05
"""A prefix whose Q is no further from the tolerance, no draws decide."""


def taken(made: Trainer) -> Figures:
    """What each arm learnt from and took, and the number of its recipe. A step should see `tokens a step`."""
    yield "tokens a step", made.tokens
    for arm, number in made.chosen.items():
        one = made.taken(arm, number)
        yield f"{arm}/recipe", number
        yield from ((f"{arm}/items", one.items), (f"{arm}/seen", one.seen))
        yield from ((f"{arm}/steps", one.steps), (f"{arm}/tokens", one.tokens))


def overlap(made: Trainer) -> Figures:
    """Share of random steps' pairs that stand at a critical step."""
    critical = {(one.prompt, one.rejected) for one in made.pairs(grid.CRITICAL)}
    random = [(one.prompt, one.rejected) for one in made.pairs(grid.RANDOM)]
    if random:
        yield "random at critical", sum(one in critical for one in random) / len(random)


def worths(marks: Mapping[str, Marks], sizes: Mapping[str, int]) -> Figures:
    """How many times its problems SFT needs for an arm's error, by linear interpolation in the logarithm of measured
    sizes. An arm that lies outside of them has `more than eight` or `none` in place of a number."""
    curve = sorted((size, marks[arm].error) for arm, size in sizes.items())
    for arm, one in marks.items():
        if arm == BASE or arm in sizes:
            continue
        if one.error > curve[0][1]:
            yield f"{arm}/worth none", 1
        elif (size := _reached(curve, one.error)) is None:
            yield f"{arm}/worth more than eight", 1
        else:
            yield f"{arm}/worth", size / sizes[grid.SFT]


def _reached(curve: Sequence[tuple[int, float]], error: float) -> float | None:
    """The smallest size at which the curve is down to the error."""
    for (less, before), (more, after) in pairwise(curve):
        if after <= error:
            share = (before - error) / (before - after) if before > after else 0.0
            return less * math.exp(share * math.log(more / less))
    return None


def moves(made: Trainer, exam: Exam, most: int, seed: int) -> Figures:
    """Where likelihood moved from the SFT policy to each arm, on its solutions of test problems."""
    policy, lab = made.best(grid.SFT), made.cell.lab
    drawn = lab.solutions(policy, exam.problems, seed=seed)
    rollouts = Rollouts(lab, policy, seed)
    labels = credited(rollouts, arms.negatives(drawn, 1)[:most], Credit())
    sound = [one for one in drawn if one.right and not spurious(one.problem, one.text)][:most]
    for arm in made.chosen:
        found = moved(policy, made.best(arm), lab.words, labels, sound)
        yield from ((f"{arm}/pits moved", found.pits), (f"{arm}/before moved", found.before))
        yield f"{arm}/sound moved", found.teacher


def doubts(labels: Sequence[Credited], replays: Sequence[Replay], from_problem: Mapping[int, float]) -> Figures:
    """How often a step called critical loses nothing by the rollouts that are the truth, and how many solutions have a
    prefix about whose Q no draws decide. `from_problem`: Q of the problem itself, by the solution's number."""
    fell: list[bool] = []
    for number, (one, replay) in enumerate(zip(labels, replays, strict=True)):
        values = (from_problem.get(number, 0.0), *replay.truth, 0.0)
        fell += [values[step] < values[step - 1] for step in critical_of(one)]
    tolerance = Credit().tolerance
    near = sum(any(abs(q - tolerance) <= NEAR for q in one.truth) for one in replays)
    yield from (("critical steps", len(fell)), ("critical that lose nothing", fell.count(False)))
    yield from (("replayed", len(replays)), ("near the tolerance", near))


def critical_of(one: Credited) -> list[int]:
    """The steps that the arm of critical steps makes pairs at, up to the first pit."""
    pit = one.label.first_pit
    return [] if pit is None else advantages.critical_steps(one.label, arms.FALL, before=pit + 1)
