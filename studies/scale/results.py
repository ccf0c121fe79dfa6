"""What a run found: errors on held-out problems, and differences paired by problem. Law: claims nothing; a run is one
model and one seed, and its intervals are of problems alone."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from actors.counts.rates import wilson
from studies.frame.statistics import Interval, interval
from studies.scale.settings import Settings
from studies.stepwise import grid
from studies.stepwise.trainer import BASE, Taken

CONTRASTS = (
    (grid.SFT, BASE), (grid.RFT, grid.LONGER), (grid.CRITICAL, grid.MORE), (grid.CRITICAL, grid.COMPLETED),
    (grid.CRITICAL, grid.RANDOM), (grid.CRITICAL, grid.CHOSEN), (grid.CRITICAL, grid.WHOLE), (grid.PIT, grid.MORE),
    (grid.PIT, grid.RANDOM), (grid.WHOLE, grid.MORE),
)  # fmt: skip
"""Of plan 2's claims, those whose arms are here."""


class Exam(Struct, frozen=True):
    """A letter for each held-out problem, `1` where the solution is not right: the likeliest one, and a sampled one."""

    wrong: str
    sampled: str


class ArmResult(Struct, frozen=True):
    """An arm's errors, and what it took; the base took nothing."""

    error: Interval
    sampled_error: Interval
    taken: Taken | None = None


class Difference(Struct, frozen=True):
    """Of the errors of likeliest solutions, arm less against, paired by problem. None where they err on the same
    problems: how sure that is, these problems do not tell."""

    arm: str
    against: str
    error: Interval | None


class Results(Struct, frozen=True):
    """One run. `problems` were trained on; `credited`: wrong solutions with a label."""

    settings: Settings
    problems: int
    held_out: int
    credited: int
    generated: int
    prompted: int
    """Tokens of draws and rollouts."""
    arms: dict[str, ArmResult]
    differences: list[Difference]


def arm_results(exams: Mapping[str, Exam], taken: Mapping[str, Taken]) -> dict[str, ArmResult]:
    """Of every arm that was examined."""
    return {arm: ArmResult(_error(one.wrong), _error(one.sampled), taken.get(arm)) for arm, one in exams.items()}


def differences(exams: Mapping[str, Exam]) -> list[Difference]:
    """The contrasts of which both arms were examined."""
    return [
        Difference(arm, against, _paired(exams[arm].wrong, exams[against].wrong))
        for arm, against in CONTRASTS
        if arm in exams and against in exams
    ]


def table(found: Results) -> str:
    """As Markdown."""
    lines = ["| arm | error (95%) | sampled | learnt from | steps | tokens |", "| --- | --- | --- | --- | --- | --- |"]
    for arm, one in found.arms.items():
        took = one.taken
        cells = ("", "", "") if took is None else (f"{took.items:,}", f"{took.steps:,}", f"{took.tokens:,}")
        lines.append(f"| {' | '.join((arm, _said(one.error), f'{one.sampled_error.value:.1%}', *cells))} |")
    lines += ["", "| arm | less | difference of errors (95%, by problem) |", "| --- | --- | --- |"]
    for each in found.differences:
        said = "the same problems" if each.error is None else _said(each.error, sign="+")
        lines.append(f"| {each.arm} | {each.against} | {said} |")
    return "\n".join(lines) + "\n"


def _error(letters: str) -> Interval:
    wrong = letters.count("1")
    low, high = wilson(wrong, len(letters)) or (0.0, 1.0)
    return Interval(wrong / len(letters), low, high)


def _paired(arm: str, against: str) -> Interval | None:
    each = np.array([int(one) - int(other) for one, other in zip(arm, against, strict=True)], float)
    return interval(each, np.ones(len(each))) if each.any() else None


def _said(of: Interval, sign: str = "") -> str:
    return f"{of.value:{sign}.1%} ({of.low:{sign}.1%} to {of.high:{sign}.1%})"
