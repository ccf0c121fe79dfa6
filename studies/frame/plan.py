"""A study's plan, `studies/<study>/plan-<number>.yaml`: everything that is decided before the first result.

Law: strict. An unknown key, a name that nothing bears, a control that no claim uses, a part over its budget: one line
that says where. A plan that has results is never changed; a changed plan is a new number.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta, Struct

from schemas.errors import ConfigError

FEWEST_UNITS = 5
"""Below this, a test over units has hardly any power, and rests on its assumptions alone."""
MOST_CORE_MINUTES = 90
"""Of a part: 45 minutes of two cores."""

Name = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]*$")]
Text = Annotated[str, Meta(min_length=1)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Count = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[float, Meta(ge=0)]


class _Strict(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Named(_Strict, frozen=True):
    """An arm, control, setting (a world, a corpus), family of claims: a name, and what it is in words."""

    name: Name
    what: Text


class Measure(Named, frozen=True):
    """What is measured of a unit, as a sum by a sum: errors by problems, accepted samples by 1,000 tokens."""

    percent: bool = False
    """It is a share, shown in percent and its differences in points."""


class Units(Named, frozen=True):
    """What is made independently, and so is what tests and intervals count. `count`: how many each setting has."""

    count: Annotated[int, Meta(ge=FEWEST_UNITS)]


class TestSet(Named, frozen=True):
    """What is looked at once. `size`: problems, orders or rows of a unit."""

    __test__ = False  # no test of pytest's

    size: Count


class DataFile(Named, frozen=True):
    """Data that may not be committed. `file`: its place in the folder that the variable names."""

    file: Text


class Power(_Strict, frozen=True):
    """What a claim's power rests on, in the effect's own scale (a ratio's is its logarithm)."""

    expected: float
    """The true effect that is thought likely."""
    unit_sd: Annotated[float, Meta(gt=0)]
    """Standard deviation of a unit's effect."""
    pilot: Text
    """Where both come from: never the plan's own seeds."""


class Claim(_Strict, frozen=True):
    """What is claimed of an arm, against what, and what would decide it. Each setting makes it one contrast.

    The effect counts towards the claim: arm - against for `more`, against - arm for `less`; a ratio's by logarithms.
    """

    name: Name
    says: Text
    arm: Name
    measure: Name
    direction: Literal["more", "less"]
    smallest: NotNegative
    """The smallest effect of interest: points of a share, or for a ratio the factor."""
    settings: Annotated[tuple[Name, ...], Meta(min_length=1)]
    units: Name
    family: Name
    rules_out: Text
    """What would explain the effect without the claim, and is the same in what it is held against."""
    power: Power
    against: Name | None = None
    """An arm or a control."""
    value: float | None = None
    """A number that the arm is held against, in place of an arm."""
    form: Literal["difference", "ratio"] = "difference"
    margin: NotNegative = 0.0
    """How far the arm may fall short all the same (difference alone): both bounds of the effect lie lower by this."""
    given: tuple[Name, ...] = ()
    """Claims that must be supported in the same setting; otherwise this one is not asked there."""


class Headline(_Strict, frozen=True):
    """What may be said of a setting only where all of its claims are supported there. Since all must be, the correction
    counts headlines and settings, not claims (the intersection-union test: Berger 1982)."""

    name: Name
    says: Text
    claims: Annotated[tuple[Name, ...], Meta(min_length=1)]
    settings: Annotated[tuple[Name, ...], Meta(min_length=1)]


class Part(_Strict, frozen=True):
    """A kind of part: one for each of its settings and each unit, none of both: one alone."""

    name: Name
    what: Text
    core_minutes: Annotated[float, Meta(gt=0, le=MOST_CORE_MINUTES)]
    settings: tuple[Name, ...] = ()
    units: Name | None = None
    looks: tuple[Name, ...] = ()
    """Test sets."""
    data: tuple[Name, ...] = ()
    needs: tuple[Name, ...] = ()
    """Kinds of parts all of which must stand before."""


class OnePart(Struct, frozen=True):
    """One part: what one file holds. `unit`: its number, None where the kind has none."""

    kind: Part
    setting: str | None
    unit: int | None

    @property
    def name(self) -> str:
        """Of its file."""
        return "-".join(str(each) for each in (self.kind.name, self.setting, self.unit) if each is not None)


class Budget(_Strict, frozen=True):
    """What all parts together may take, and what is equal between arms."""

    core_minutes: Annotated[float, Meta(gt=0)]
    equal: tuple[Text, ...]
    outside: tuple[Text, ...] = ()
    """What is made once, by a command, and counted elsewhere."""


class Correction(_Strict, frozen=True):
    """For many contrasts: Holm's, within each family."""

    method: Literal["holm"] = "holm"
    alpha: Share = 0.05


class Plan(_Strict, frozen=True):
    """Everything that is decided before the first result."""

    study: Name
    number: Count
    title: Text
    question: Text
    seen_before: Annotated[tuple[Text, ...], Meta(min_length=1)]
    """What had been looked at when the plan was written, and could have shaped it."""
    settings: Annotated[tuple[Named, ...], Meta(min_length=1)]
    measures: Annotated[tuple[Measure, ...], Meta(min_length=1)]
    arms: Annotated[tuple[Named, ...], Meta(min_length=1)]
    controls: Annotated[tuple[Named, ...], Meta(min_length=1)]
    units: Annotated[tuple[Units, ...], Meta(min_length=1)]
    test_sets: Annotated[tuple[TestSet, ...], Meta(min_length=1)]
    families: Annotated[tuple[Named, ...], Meta(min_length=1)]
    claims: Annotated[tuple[Claim, ...], Meta(min_length=1)]
    headlines: Annotated[tuple[Headline, ...], Meta(min_length=1)]
    parts: Annotated[tuple[Part, ...], Meta(min_length=1)]
    budget: Budget
    limits: Annotated[tuple[Text, ...], Meta(min_length=1)]
    """What the study cannot show, whatever comes out."""
    described: tuple[Text, ...] = ()
    """What is reported beside, without a claim and without a word of verdict."""
    data: tuple[DataFile, ...] = ()
    correction: Correction = Correction()

    @property
    def every_part(self) -> list[OnePart]:
        """All parts in the plan's order, unit by unit, so that a study that is cut short has whole units."""
        counts = {each.name: each.count for each in self.units}
        return [
            OnePart(kind, setting, unit)
            for kind in self.parts
            for unit, setting in product(range(counts[kind.units]) if kind.units else [None], kind.settings or [None])
        ]

    def in_family(self, family: str) -> int:
        """How many contrasts the correction counts."""
        return sum(len(claim.settings) for claim in self.claims if claim.family == family)


def read(path: Path) -> Plan:
    """The plan in a file. Raises ConfigError in one line for the first mistake."""
    try:
        plan = msgspec.yaml.decode(path.read_bytes(), type=Plan)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such plan") from None
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from None
    if (path.parent.name, path.name) != (plan.study, f"plan-{plan.number}.yaml"):
        raise ConfigError(f"{path}: holds plan {plan.number} of {plan.study}; its place is {place(plan)}")
    if mistake := next(_mistakes(plan), None):
        raise ConfigError(f"{path}: {mistake}")
    return plan


def place(plan: Plan) -> str:
    """Where the plan's file lies in the repository."""
    return f"studies/{plan.study}/plan-{plan.number}.yaml"


def plans(root: Path) -> list[Path]:
    """Every plan file of a repository."""
    return sorted(path for path in root.glob("studies/*/plan-*.yaml") if re.fullmatch(r"plan-\d+", path.stem))


class _Bears(Protocol):
    @property
    def name(self) -> str: ...


def _mistakes(plan: Plan) -> Iterator[str]:
    lists: dict[str, Iterable[_Bears]] = {
        "settings": plan.settings, "measures": plan.measures, "arms": (*plan.arms, *plan.controls), "units": plan.units,
        "test_sets": plan.test_sets, "families": plan.families, "claims": plan.claims, "data": plan.data,
        "headlines": plan.headlines, "parts": plan.parts,
    }  # fmt: skip
    names = {what: [each.name for each in bearers] for what, bearers in lists.items()}
    for what, found in names.items():
        yield from (f"{what}: {name!r} is there twice" for name in sorted({n for n in found if found.count(n) > 1}))
    for claim in plan.claims:
        yield from (f"claim {claim.name}: {mistake}" for mistake in _of_claim(claim, names))
    asked = {(claim.name, setting) for claim in plan.claims for setting in claim.settings}
    yield from (
        f"headline {one.name}: no claim {name!r} is asked in {setting!r}"
        for one in plan.headlines
        for name, setting in product(one.claims, one.settings)
        if (name, setting) not in asked
    )
    used = {claim.against for claim in plan.claims}
    yield from (f"controls: no claim is held against {one.name!r}" for one in plan.controls if one.name not in used)
    for at, part in enumerate(plan.parts):
        known = {"settings": part.settings, "units": (part.units,) if part.units else (), "test_sets": part.looks}
        known["data"] = part.data
        for what, wanted in known.items():
            yield from (f"part {part.name}: {what} have no {one!r}" for one in wanted if one not in names[what])
        earlier = names["parts"][:at]
        yield from (f"part {part.name}: no part {one!r} stands before it" for one in part.needs if one not in earlier)
    looked = {name for part in plan.parts for name in part.looks}
    yield from (f"test_sets: no part looks at {one.name!r}" for one in plan.test_sets if one.name not in looked)
    takes = sum(one.kind.core_minutes for one in plan.every_part)
    if takes > plan.budget.core_minutes:
        yield f"budget: the parts take {takes:g} core minutes, of {plan.budget.core_minutes:g}"


def _of_claim(claim: Claim, names: dict[str, list[str]]) -> Iterator[str]:
    refers = {
        "arms": (claim.arm, *((claim.against,) if claim.against else ())), "measures": (claim.measure,),
        "settings": claim.settings, "units": (claim.units,), "families": (claim.family,),
    }  # fmt: skip
    for what, wanted in refers.items():
        yield from (f"{what} have no {one!r}" for one in wanted if one not in names[what])
    if (claim.against is None) == (claim.value is None):
        yield "wants one of `against` (an arm) and `value` (a number)"
    if claim.against == claim.arm:
        yield "an arm cannot be held against itself"
    if claim.form == "ratio" and (claim.smallest < 1 or claim.margin or (claim.value is not None and claim.value <= 0)):
        yield "a ratio wants a `smallest` of 1 or more, no `margin`, and a `value` above 0"
    earlier = names["claims"][: names["claims"].index(claim.name)]
    yield from (f"no claim {one!r} stands before it" for one in claim.given if one not in earlier)
