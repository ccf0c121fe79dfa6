"""How often a critic names the step that people named, with 95% intervals by problem.

Laws: an answer that cannot be read is wrong. What is chosen (a threshold, the commonest place) is chosen on one half of
the problems; every critic is counted on the other half alone, so that all figures are of the same solutions.
Differences are paired by problem.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from schemas.ids import content_id
from studies.critics.critics import Answered
from studies.critics.solutions import NO_STEP, Solution
from studies.provenance.bootstrap import Bootstrap, Estimate, estimate, ratio

RESAMPLES = 2000
PLACE, RANDOM = "place", "random"
"""Controls: the place that is most often the wrong one, and a step that is drawn (its expectation, not a draw)."""


class Figure(Struct, frozen=True):
    """One critic. `on_wrong`: the share of solutions with a wrong step whose first one it names; `on_right`: the share
    of the others of which it says that nothing is wrong; `f1`: their harmonic mean, as published. -1 where there is
    none of a kind. `unread`: answers, or scores of steps. `chosen`: a threshold or a place."""

    critic: str
    on_wrong: Estimate
    on_right: Estimate
    f1: Estimate
    unread: int = 0
    chosen: float | None = None


class Contrast(Struct, frozen=True):
    """What a critic names more of, or less, than a control does, on solutions with a wrong step."""

    critic: str
    control: str
    difference: Estimate
    verdict: str


class Table(Struct, frozen=True):
    """All that is said. `counted`, `wrong`: solutions of the second half, and those with a wrong step."""

    counted: int
    wrong: int
    figures: list[Figure]
    contrasts: list[Contrast]


class Named(Struct, frozen=True):
    """What a critic names, of each counted solution. `hits`: its share of right answers, in [0, 1]."""

    critic: str
    hits: list[float]
    unread: int = 0
    chosen: float | None = None


def table(solutions: Sequence[Solution], answers: Mapping[str, Sequence[Answered]], *, seed: int = 0) -> Table:
    """`answers`: of each critic, one for each solution in turn."""
    tuning = [at for at, one in enumerate(solutions) if is_for_tuning(one)]
    counted = [at for at, one in enumerate(solutions) if not is_for_tuning(one)]
    found = [_named(critic, solutions, given, tuning, counted) for critic, given in answers.items()]
    shown = [solutions[at] for at in counted]
    controls = [_by_place([solutions[at] for at in tuning], shown), _by_chance(shown)]
    return _table(shown, found, controls, seed)


def is_for_tuning(solution: Solution) -> bool:
    """By the problem's text, which says nothing of labels."""
    return int(content_id(solution.problem)[:8], 16) % 2 == 0


def threshold(solutions: Sequence[Solution], given: Sequence[Answered]) -> float:
    """Of the scores, the lowest below which a step counts as wrong with the most right answers."""
    candidates = sorted({score for one in given for score in one.scores if score is not None})

    def right(bound: float) -> int:
        return sum(first_below(one, bound) == solution.label for solution, one in zip(solutions, given, strict=True))

    return max(candidates, key=right, default=0.0)


def first_below(answer: Answered, bound: float) -> int:
    """The first step whose score is below the bound; a step without a score is passed over."""
    below = (at for at, score in enumerate(answer.scores) if score is not None and score < bound)
    return next(below, NO_STEP)


def _named(
    critic: str, solutions: Sequence[Solution], given: Sequence[Answered], tuning: list[int], counted: list[int]
) -> Named:
    labels = [solutions[at].label for at in counted]
    answered = [given[at] for at in counted]
    if not any(one.scores for one in given):
        hits = [float(one.named == label) for one, label in zip(answered, labels, strict=True)]
        return Named(critic, hits, sum(one.unread for one in answered))
    bound = threshold([solutions[at] for at in tuning], [given[at] for at in tuning])
    hits = [float(first_below(one, bound) == label) for one, label in zip(answered, labels, strict=True)]
    return Named(critic, hits, sum(score is None for one in answered for score in one.scores), bound)


def _by_place(tuning: Sequence[Solution], counted: Sequence[Solution]) -> Named:
    """Of equals the earlier one."""
    places = Counter(one.label for one in sorted(tuning, key=lambda one: one.label) if one.is_wrong)
    place = places.most_common(1)[0][0] if places else 0
    return Named(PLACE, [float(one.label == place) for one in counted], chosen=place)


def _by_chance(counted: Sequence[Solution]) -> Named:
    return Named(RANDOM, [1 / len(one.steps) if one.is_wrong else 0.0 for one in counted])


def _table(counted: Sequence[Solution], found: list[Named], controls: list[Named], seed: int) -> Table:
    problems = {text: place for place, text in enumerate(dict.fromkeys(one.problem for one in counted))}
    clusters = [(0, problems[one.problem]) for one in counted]
    drawn = Bootstrap(clusters, resamples=RESAMPLES, seed=seed).drawn(clusters)
    wrong = np.array([one.is_wrong for one in counted])

    def share(named: Named, of: np.ndarray) -> np.ndarray:
        return ratio(drawn[:, of] @ np.array(named.hits)[of], drawn[:, of].sum(axis=1))

    def figure(named: Named) -> Figure:
        on_wrong, on_right = share(named, wrong), share(named, ~wrong)
        f1 = ratio(2 * on_wrong * on_right, on_wrong + on_right)
        return Figure(
            named.critic, estimate(on_wrong), estimate(on_right), estimate(f1), named.unread, named.chosen
        )  # fmt: skip

    def contrast(one: Named, control: Named) -> Contrast:
        difference = estimate(share(one, wrong) - share(control, wrong))
        return Contrast(one.critic, control.critic, difference, verdict_of(difference))

    return Table(
        len(counted),
        int(wrong.sum()),
        [figure(named) for named in (*found, *controls)],
        [contrast(one, control) for one in found for control in controls],
    )


def verdict_of(difference: Estimate) -> str:
    """By the interval alone."""
    if difference.low > 0:
        return "supported"
    return "refuted" if -1 < difference.high < 0 else "not shown"
