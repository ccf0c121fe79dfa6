"""The arms of the study: what each makes of the same problems. Law: every arm gets the same problems, base and teacher;
solutions are drawn and credited once, with the SFT policy.

| arm | starts from | learns from |
| --- | --- | --- |
| sft | base | the teacher's solution of each problem |
| rft | base | the SFT policy's own right solutions, equal ones once |
| dpo_whole | RFT or SFT policy | a right against a wrong solution |
| dpo_prefix | RFT or SFT policy | a right solution against a wrong one up to its first pit |
| dpo_steps | RFT or SFT policy | after the same steps: a step that went on to the right answer against a critical one |
| first_pit | as dpo_steps | a right step against the first pit after the same steps, else as dpo_prefix |
| random_steps | as dpo_steps | the same at steps drawn evenly up to the first pit: is it that they are critical? |
| chosen_only | as dpo_steps | the chosen sides of its pairs alone: is it that there are negatives? |
| advantage | SFT policy | its own solutions, right and wrong, each step weighted by exp(advantage) |
| sft_longer | base | what SFT learns from, for as many steps as RFT takes: is it only the steps? |
"""

import copy
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from actors.exports import advantages
from schemas.config_credit import Credit
from studies.arithmetic.teacher import STRONG, Teacher
from studies.arithmetic.world import Problem
from studies.stepwise.credits import Credited, Rollouts, credited
from studies.stepwise.fit import Passes, Tuning, fitted
from studies.stepwise.lab import Lab, Solution
from studies.stepwise.net import Net
from studies.stepwise.preferences import PLAIN, Pair, Pull, preferred
from studies.stepwise.rows import Row, Words, step_spans

SFT, RFT, WHOLE, PREFIX, STEPS, ADVANTAGE = "sft", "rft", "dpo_whole", "dpo_prefix", "dpo_steps", "advantage"
LONGER, RANDOM, CHOSEN, FIRST_PIT = "sft_longer", "random_steps", "chosen_only", "first_pit"
FALL = 0.2
"""A step is critical where it lost so much for sure (`actors.exports.advantages`)."""
ARMS = (SFT, LONGER, RFT, WHOLE, PREFIX, STEPS, ADVANTAGE)


@dataclass(frozen=True)
class Preference:
    """How pairs are learnt. `begin`: the arm whose policy they begin from and refer to, SFT or RFT."""

    begin: str
    passes: Passes
    pull: Pull = PLAIN


@dataclass(frozen=True)
class Plan:
    """Settings, the same for all sizes and seeds; chosen on the development problems."""

    likelihood: Passes
    """SFT, RFT and all else that starts from the base."""
    preferences: dict[str, Preference]
    """Of each kind of pairs."""
    weighted: Passes
    """Advantage-weighted likelihood, from the SFT policy."""
    credit: Credit
    sharpness: float = 0.25
    """Advantages are divided by this before they become weights: a fatal step weighs e^-4 of a neutral one at most."""
    samples: int = 16
    """Solutions drawn of each problem."""
    kept_right: int = 4
    """Different right solutions of a problem that RFT learns from, at most."""
    kept_wrong: int = 4
    """Wrong solutions of a problem that are credited, at most."""
    teacher: Teacher = STRONG


@dataclass(frozen=True)
class Cell:
    """One size and seed: what all arms of it share."""

    lab: Lab
    plan: Plan
    problems: Sequence[Problem]
    seed: int

    def dice(self, arm: str) -> random.Random:
        """An arm's randomness."""
        return random.Random(f"{arm} {len(self.problems)} {self.seed}")


def sft(cell: Cell, *, as_long_as: int = 0) -> Net:
    """The base after the teacher's solutions. `as_long_as`: it takes the steps that so many rows would."""
    dice = cell.dice(SFT)
    rows = [cell.lab.words.row(one.text, cell.plan.teacher.solution(one, dice)) for one in cell.problems]
    tuning = cell.plan.likelihood.tuning(max(len(rows), as_long_as))
    return fitted(cell.lab.fresh(), rows, tuning, pad=cell.lab.words.pad, rng=dice)


def drawn(cell: Cell, policy: Net) -> list[Solution]:
    """The policy's own solutions of the cell's problems."""
    asked = [one for one in cell.problems for _ in range(cell.plan.samples)]
    return cell.lab.solutions(policy, asked, seed=cell.seed)


def positives(solutions: Sequence[Solution], most: int) -> list[Solution]:
    """Different right solutions, at most so many of a problem, in the order drawn."""
    return _different([one for one in solutions if one.right], most)


def _different(solutions: Sequence[Solution], most: int) -> list[Solution]:
    kept: dict[str, dict[str, Solution]] = {}
    for one in solutions:
        texts = kept.setdefault(one.problem.text, {})
        if len(texts) < most:
            texts.setdefault(one.text, one)
    return [one for texts in kept.values() for one in texts.values()]


def negatives(solutions: Sequence[Solution], most: int) -> list[Solution]:
    """Different wrong solutions, at most so many of a problem, that at least give an answer."""
    given = [
        one for one in solutions if one.ended and not one.right and "\n####" in one.text and "\n\n" not in one.text
    ]
    return _different(given, most)


def taught(cell: Cell, chosen: Sequence[Solution], name: str) -> Net:
    """The base after these solutions; itself where there is none."""
    rows = solution_rows(cell.lab.words, chosen)
    return going_on(cell, cell.lab.base, rows, cell.plan.likelihood.tuning(len(rows)), name)


def credit(cell: Cell, policy: Net, solutions: Sequence[Solution]) -> tuple[Rollouts, list[Credited]]:
    """The first pits of wrong solutions. The drawn solutions are rollouts from the empty prefix."""
    rollouts = Rollouts(cell.lab, policy, cell.seed)
    for one in solutions:
        rollouts.drawn[one.problem.text, ""].append(one)
    return rollouts, credited(rollouts, negatives(solutions, cell.plan.kept_wrong), cell.plan.credit)


def pairs(arm: str, words: Words, rollouts: Rollouts, labels: Sequence[Credited], dice: random.Random) -> list[Pair]:
    """Pairs of one kind from credited solutions of which something right is known. Of whole solutions and prefixes one
    for each solution with a first pit; of steps one for each critical step up to there; of first pits the step
    itself where a right one is known after the same steps, else as of prefixes."""
    found: list[Pair] = []
    for one in labels:
        pit, bad = one.label.first_pit, one.solution
        if pit is None:
            continue
        spans = step_spans(bad.ids, words.newline)
        if arm in (STEPS, RANDOM):
            falls = [step - 1 for step in advantages.critical_steps(one.label, FALL, before=pit + 1)]
            made = [pair for n in falls if (pair := _step_pair(words, rollouts, one, spans[n], n, dice))]
            found += made if arm == STEPS else _random_pairs(words, rollouts, one, dice)[: len(made)]
        elif arm == FIRST_PIT and (pair := _step_pair(words, rollouts, one, spans[pit - 1], pit - 1, dice)):
            found.append(pair)
        elif good := _right(rollouts, bad, "", differs_from=()):
            end = len(bad.ids) if arm == WHOLE else spans[pit - 1][1]
            found.append(Pair(words.asked(bad.problem.text), dice.choice(good).ids, bad.ids[:end]))
    return found


def _random_pairs(words: Words, rollouts: Rollouts, one: Credited, dice: random.Random) -> list[Pair]:
    """A pair for each step up to the first pit after whose beginning something right is known, in a random order."""
    spans = step_spans(one.solution.ids, words.newline)[: one.label.first_pit]
    places = dice.sample(range(len(spans)), len(spans))
    return [pair for n in places if (pair := _step_pair(words, rollouts, one, spans[n], n, dice))]


def _step_pair(
    words: Words, rollouts: Rollouts, one: Credited, span: tuple[int, int], before: int, dice: random.Random
) -> Pair | None:
    """The step of the solution against one that went on to the right answer after the same `before` steps."""
    (start, end), bad = span, one.solution
    good = _right(rollouts, bad, one.target.prefix(before), differs_from=bad.ids[:end])
    if not good:
        return None
    prompt = words.asked(bad.problem.text) + bad.ids[:start]
    return Pair(prompt, _next_step(dice.choice(good).ids, start, words), bad.ids[start:end])


def _right(rollouts: Rollouts, bad: Solution, after: str, *, differs_from: tuple[int, ...]) -> list[Solution]:
    """Right solutions that begin with `after` and do not go on as the bad one does."""
    drawn = rollouts.drawn.get((bad.problem.text, after), [])
    size = len(differs_from)
    return [one for one in drawn if one.right and (not size or one.ids[:size] != differs_from)]


def _next_step(ids: tuple[int, ...], start: int, words: Words) -> tuple[int, ...]:
    end = next(stop for begin, stop in step_spans(ids, words.newline) if begin == start)
    return ids[start:end]


def dpo(cell: Cell, policy: Net, made: Sequence[Pair], arm: str) -> Net:
    """The policy after the pairs; itself where there is none."""
    if not made:
        return policy
    how = cell.plan.preferences[arm]
    return preferred(policy, made, how.passes.tuning(len(made)), how.pull, pad=cell.lab.words.pad, rng=cell.dice(arm))


def going_on(cell: Cell, policy: Net, rows: Sequence[Row], tuning: Tuning, arm: str) -> Net:
    """The policy after the likelihood of these rows, for so many steps; itself where there is none. RFT continued,
    RFT on what rollouts completed, and the chosen sides of pairs alone."""
    words, dice = cell.lab.words, cell.dice(arm)
    return fitted(copy.deepcopy(policy), rows, tuning, pad=words.pad, rng=dice) if rows else policy


def held_rows(words: Words, drawn: Sequence[Solution], pull: float) -> list[Row]:
    """The base's own draws, right or wrong, to be learnt with a weight beside other rows: but for a constant that is
    `pull` times the KL divergence of the base to the net, estimated by these draws. It holds SFT near to the base."""
    return [Row(words.asked(one.problem.text), one.ids, (pull,) * len(one.ids)) for one in drawn]


def solution_rows(words: Words, chosen: Sequence[Solution]) -> list[Row]:
    """Whole solutions to learn from."""
    return [Row(words.asked(one.problem.text), one.ids) for one in chosen]


def chosen_rows(made: Sequence[Pair]) -> list[Row]:
    """The chosen sides of pairs, with no rejected side beside them."""
    return [Row(pair.prompt, pair.chosen) for pair in made]


def completed(rollouts: Rollouts, most: int) -> list[Solution]:
    """Different right solutions that rollouts from wrong ones' first steps ended in, at most so many of a problem: all
    that credit found beside its labels."""
    found = [one for (_, prefix), drawn in rollouts.drawn.items() if prefix for one in drawn if one.right]
    return _different(found, most)


def step_weights(one: Credited, words: Words, *, sharpness: float) -> tuple[float, ...]:
    """A weight for each token: exp(advantage) of its step, 0 behind the first pit, where nothing can be learnt."""
    weights: list[float] = []
    pit = one.label.first_pit or one.label.steps
    spans = step_spans(one.solution.ids, words.newline)
    for number, ((start, end), value) in enumerate(zip(spans, advantages.weights(one.label), strict=True), start=1):
        weight = math.exp(min(0.0, value or 0.0) / sharpness) if number <= pit else 0.0
        weights += [weight] * (end - start)
    return tuple(weights)


def weighted_rows(words: Words, right: Sequence[Solution], labels: Sequence[Credited], sharpness: float) -> list[Row]:
    """What advantage-weighted likelihood learns from: right solutions, whose steps were not credited, weigh 1."""
    rows = solution_rows(words, right)
    for one in labels:
        weights = step_weights(one, words, sharpness=sharpness)
        rows.append(Row(words.asked(one.solution.problem.text), one.solution.ids, weights))
    return rows


def weighted(cell: Cell, policy: Net, solutions: Sequence[Solution], labels: Sequence[Credited]) -> Net:
    """The policy after advantage-weighted likelihood."""
    right = positives(solutions, cell.plan.kept_right)
    rows = weighted_rows(cell.lab.words, right, labels, cell.plan.sharpness)
    return going_on(cell, policy, rows, cell.plan.weighted.tuning(len(rows)), ADVANTAGE)
