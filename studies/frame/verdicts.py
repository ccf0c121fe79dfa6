"""The words of a study, from its plan and its results alone.

Law: `supported`: the true effect is above 0 (Holm's p at most alpha within the claim's family), and the effect found
is the smallest of interest or more. `not supported`: the true effect is below the smallest of interest (Holm's p over
the same family). `undecided`: neither; so is a contrast that lacks a unit, that is not defined, or whose condition is
not supported where it stands.
"""

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from msgspec import Struct

from studies.frame.commit import Stamp, seed
from studies.frame.plan import Claim, Plan
from studies.frame.results import Results
from studies.frame.statistics import Contrast, contrast, holm, power, power_of_none

Word = Literal["supported", "not supported", "undecided"]


class Verdict(Struct, frozen=True):
    """One contrast: a claim in a setting. `why`: what stood in the way of a decision."""

    claim: str
    setting: str
    word: Word
    contrast: Contrast | None
    p_none: float
    """Both with Holm's correction."""
    p_smallest: float
    enough: bool
    """The effect found is the smallest of interest or more."""
    why: str = ""


class Powers(Struct, frozen=True):
    """Chances that a contrast is decided rightly."""

    supported: float
    """If the effect is as expected."""
    not_supported: float
    """If there is none."""


Key = tuple[str, str]
"""Claim and setting."""


def verdicts(plan: Plan, results: Results) -> dict[Key, Verdict]:
    """Every contrast's, in the plan's order."""
    found: dict[Key, Contrast | str] = {
        (claim.name, setting): _contrast(plan, claim, setting, results)
        for claim in plan.claims
        for setting in claim.settings
    }
    none = _corrected(plan, found, "p_none")
    smallest = _corrected(plan, found, "p_smallest")
    said: dict[Key, Verdict] = {}
    for claim in plan.claims:
        for setting in claim.settings:
            key = (claim.name, setting)
            one, p_values = found[key], (none[key], smallest[key])
            if isinstance(one, str):
                said[key] = Verdict(*key, "undecided", None, *p_values, enough=False, why=one)
                continue
            unmet = [name for name in claim.given if (had := said.get((name, setting))) and had.word != "supported"]
            why = f"not asked: {unmet[0]} is not supported here" if unmet else ""
            enough = one.effect.value >= smallest_of(claim) - claim.margin
            word = "undecided" if unmet else _word(*p_values, enough=enough, alpha=plan.correction.alpha)
            said[key] = Verdict(*key, word, one, *p_values, enough=enough, why=why)
    return said


def headlines(plan: Plan, said: Mapping[Key, Verdict]) -> dict[Key, Word]:
    """The word of each headline in each setting. `said`: the verdicts of its claims."""
    keys = [(one.name, setting) for one in plan.headlines for setting in one.settings]
    parts = {(one.name, s): [said[name, s] for name in one.claims] for one in plan.headlines for s in one.settings}
    largest = [max(one.contrast.p_none if one.contrast and not one.why else 1.0 for one in parts[key]) for key in keys]
    found: dict[Key, Word] = {}
    for key, p_value in zip(keys, holm(largest), strict=True):
        if any(one.word == "not supported" for one in parts[key]):
            found[key] = "not supported"
        elif p_value <= plan.correction.alpha and all(one.enough for one in parts[key]):
            found[key] = "supported"
        else:
            found[key] = "undecided"
    return found


def smallest_of(claim: Claim) -> float:
    """The smallest effect of interest in the effect's own scale."""
    return math.log(claim.smallest) if claim.form == "ratio" else claim.smallest


def powers_of(plan: Plan, claim: Claim) -> tuple[Powers, Powers]:
    """A contrast's chances where Holm asks most (alpha by all contrasts of the family) and where least (alpha)."""
    units, sd = next(one.count for one in plan.units if one.name == claim.units), claim.power.unit_sd
    smallest, alpha = smallest_of(claim), plan.correction.alpha
    strictest, mildest = (
        Powers(
            power(expected=claim.power.expected + claim.margin, unit_sd=sd, units=units, alpha=each, smallest=smallest),
            power_of_none(unit_sd=sd, units=units, alpha=each, smallest=smallest),
        )
        for each in (alpha / plan.in_family(claim.family), alpha)
    )
    return strictest, mildest


def _word(p_none: float, p_smallest: float, *, enough: bool, alpha: float) -> Word:
    if p_none <= alpha and enough:
        return "supported"
    return "not supported" if p_smallest <= alpha else "undecided"


def _contrast(plan: Plan, claim: Claim, setting: str, results: Results) -> Contrast | str:
    count = next(one.count for one in plan.units if one.name == claim.units)
    arm = results.sums(setting, claim.arm, claim.measure)
    against = dict.fromkeys(arm, np.array([claim.value or 0.0, 1.0]))
    if claim.against is not None:
        against = results.sums(setting, claim.against, claim.measure)
    units = sorted(arm.keys() & against.keys())
    if len(units) != count or arm.keys() != against.keys():
        return f"{len(units)} of {count} units are there"
    return contrast(
        np.array([[*arm[unit], *against[unit]] for unit in units]),
        ratio=claim.form == "ratio",
        sign=1 if claim.direction == "more" else -1,
        none=-claim.margin,
        smallest=smallest_of(claim) - claim.margin,
        seed=seed(Stamp(results.plan, results.plan.commit), "verdict", claim.name, setting),
    ) or "the effect is not defined: something is divided by 0"  # fmt: skip


def _corrected(
    plan: Plan, found: Mapping[Key, Contrast | str], which: Literal["p_none", "p_smallest"]
) -> dict[Key, float]:
    """Holm within each family; a contrast that could not be tested counts, with a p-value of 1."""
    corrected: dict[Key, float] = {}
    for family in plan.families:
        keys = [(c.name, setting) for c in plan.claims if c.family == family.name for setting in c.settings]
        values = [1.0 if isinstance(one := found[key], str) else getattr(one, which) for key in keys]
        corrected |= dict(zip(keys, holm(values), strict=True))
    return corrected
