"""All parts together: curves, multipliers, what is missing. Law: computed from the parts' files alone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite

import numpy as np

from studies.stepwise.arms import ADVANTAGE, ARMS, LONGER, PREFIX, RFT, SFT, STEPS, WHOLE
from studies.stepwise.credit_cost import CostTable
from studies.stepwise.curves import MOST, Curve, Point, difference, fitted, multiplier
from studies.stepwise.effects import Recovery
from studies.stepwise.lab import Marks
from studies.stepwise.pathstar import PathStar
from studies.stepwise.study import ArmsPart, SpuriousPart, Study


@dataclass(frozen=True)
class Row:
    """One arm at one size, over its seeds."""

    arm: str
    size: int
    seeds: int
    error: float
    sampled_error: float
    spurious_rate: float
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Worth:
    """An arm's efficiency multiplier, over all its sizes and at each."""

    arm: str
    value: float
    low: float
    high: float
    extrapolated: bool
    at: dict[int, float]


@dataclass(frozen=True)
class Versus:
    """By how much an arm's error is above another's at the same sizes; `low`, `high`: 95%."""

    arm: str
    other: str
    value: float
    low: float
    high: float


CLAIMED = (
    (RFT, LONGER), (STEPS, RFT), (STEPS, WHOLE), (STEPS, PREFIX), (WHOLE, SFT), (STEPS, SFT), (ADVANTAGE, SFT),
    (RFT, SFT), (WHOLE, RFT),
)  # fmt: skip


@dataclass(frozen=True)
class Results:
    """What results.json holds."""

    smoke: bool
    base: Marks | None
    curves: tuple[Row, ...]
    scale: float
    slope: float
    """SFT's fitted curve: error = scale * size ** -slope."""
    worth: tuple[Worth, ...]
    worth_sampled: tuple[Worth, ...]
    """The same by the errors of sampled solutions."""
    versus: tuple[Versus, ...]
    versus_sampled: tuple[Versus, ...]
    arms: tuple[ArmsPart, ...]
    credit: CostTable | None
    restart: Recovery | None
    spurious: tuple[SpuriousPart, ...]
    pathstar: tuple[PathStar, ...]
    missing: tuple[str, ...]


Marked = dict[str, dict[int, list[Marks]]]


def _likeliest(marks: Marks) -> str:
    return marks.wrong


def _sampled(marks: Marks) -> str:
    return marks.sampled


def collected(study: Study, *, seeds: int | None = None) -> Results:
    """Makes every part that is missing, in the order of what matters, and puts them together."""
    settings = study.settings
    _in_order(study, seeds or settings.seeds)
    marked: Marked = {arm: {} for arm in ARMS}
    others: list[ArmsPart] = []
    missing: list[str] = []
    base = study.base()
    for seed in range(seeds or settings.seeds):
        for size in sorted(settings.sft_sizes):
            _add(marked[SFT], size, study.sft(size, seed), f"sft-{size}-{seed}", missing)
        for size in sorted(settings.arm_sizes):
            part = study.others(size, seed)
            if part is None:
                missing.append(f"arms-{size}-{seed}")
                continue
            others.append(part)
            for arm, marks in part.marks.items():
                _add(marked[arm], size, marks, "", missing)
    credit, restart = study.credit_cost(), study.restart()
    stars, spurious = [
        [make(seed) for seed in range(seeds or settings.seeds)] for make in (study.pathstar, study.spurious)
    ]
    for name, parts in (("spurious", spurious), ("pathstar", stars), ("credit-cost", [credit]), ("restart", [restart])):
        missing += [f"{name}-{number}" for number, part in enumerate(parts) if part is None]
    rows = [_row(arm, size, found) for arm in ARMS for size, found in sorted(marked[arm].items())]
    sft = points(marked[SFT])
    enough = len(sft) > 1
    curve = fitted([p.size for p in sft], [p.error for p in sft]) if enough else Curve(0.0, 0.0)
    return Results(
        settings.smoke, base, tuple(rows), curve.scale, curve.slope,
        tuple(_worths(marked, _likeliest)), tuple(_worths(marked, _sampled)),
        tuple(_versus(marked, _likeliest)), tuple(_versus(marked, _sampled)),
        tuple(others), credit, restart, _there(spurious), _there(stars), tuple(missing),
    )  # fmt: skip


def _worths(marked: Marked, letters: Callable[[Marks], str]) -> Iterable[Worth]:
    sft = points(marked[SFT], letters)
    for arm in ARMS:
        if len(sft) > 1 and arm != SFT and marked[arm]:
            yield _worth(arm, sft, points(marked[arm], letters))


def _versus(marked: Marked, letters: Callable[[Marks], str]) -> Iterable[Versus]:
    for arm, other in CLAIMED:
        shared = [size for size in sorted(marked[arm]) if len(marked[arm][size]) == len(marked[other].get(size, ()))]
        if shared:
            one, two = (points({size: marked[name][size] for size in shared}, letters) for name in (arm, other))
            yield Versus(arm, other, *difference(one, two))


def _in_order(study: Study, seeds: int) -> None:
    """What is cheap and says most comes first: a run that is cut short then holds a part of every kind."""
    *smaller, largest = sorted(study.settings.sft_sizes)
    first, *others = sorted(study.settings.arm_sizes)
    study.base()
    study.restart()
    for size in smaller:
        _each(seeds, partial(study.sft, size))
    _each(seeds, partial(study.others, first))
    study.credit_cost()
    _each(seeds, study.spurious)
    for size in others:
        _each(seeds, partial(study.others, size))
    _each(seeds, study.pathstar)
    _each(seeds, partial(study.sft, largest))


def _each(seeds: int, make: Callable[[int], object]) -> None:
    for seed in range(seeds):
        make(seed)


def points(found: dict[int, list[Marks]], letters: Callable[[Marks], str] = _likeliest) -> list[Point]:
    """An arm's errors, problem by problem."""
    return [
        Point(size, np.array([[int(letter) for letter in letters(one)] for one in marks]))
        for size, marks in sorted(found.items())
    ]


def _there(parts: Iterable) -> tuple:
    return tuple(part for part in parts if part is not None)


def _add(into: dict[int, list[Marks]], size: int, marks: Marks | None, name: str, missing: list[str]) -> None:
    if marks is None:
        missing.append(name)
    else:
        into.setdefault(size, []).append(marks)


def _row(arm: str, size: int, marks: Sequence[Marks]) -> Row:
    errors = tuple(one.error for one in marks)
    sampled = sum(one.sampled_error for one in marks) / len(marks)
    spurious = sum(one.spurious_rate for one in marks) / len(marks)
    return Row(arm, size, len(marks), sum(errors) / len(errors), sampled, spurious, errors)


def _worth(arm: str, sft: Sequence[Point], found: Sequence[Point]) -> Worth:
    all_sizes = multiplier(sft, found)
    curve = fitted([p.size for p in sft], [p.error for p in sft])
    at = {p.size: curve.size(max(p.error, 1e-4)) / p.size for p in found}
    bounded = {size: ratio if isfinite(ratio) else MOST for size, ratio in at.items()}
    return Worth(arm, all_sizes.value, all_sizes.low, all_sizes.high, all_sizes.extrapolated, bounded)
