"""A plan's mistakes, each in one line that says where."""

from pathlib import Path

import pytest

from schemas.errors import ConfigError
from studies.frame.plan import Plan, place, read
from tests.studies.tiny import PLAN


def told(folder: Path, plan: str) -> Plan:
    path = folder / "studies" / "tiny" / "plan-1.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(plan)
    return read(path)


def test_a_plan_has_a_part_for_each_setting_and_unit(tmp_path: Path) -> None:
    """Twelve purses, one table; its place is that of its study and number."""
    plan = told(tmp_path, PLAN)
    assert [part.name for part in plan.every_part] == [f"throws-table-{n}" for n in range(12)]
    assert (place(plan), plan.in_family("main")) == ("studies/tiny/plan-1.yaml", 2)


MISTAKES = {
    "there is no key `colour`": ("title: Coins", "title: Coins\ncolour: red", "unknown field `colour`"),
    "a name of nothing": ("arm: same", "arm: sane", "claim same-as-plain: arms have no 'sane'"),
    "twice": ("{name: same,", "{name: better,", "arms: 'better' is there twice"),
    "another place": ("number: 1", "number: 2", "its place is studies/tiny/plan-2.yaml"),
    "an idle control": ("against: plain", "value: 0.5", "no claim is held against 'plain'"),
    "against nothing": ("against: plain", "margin: 0", "wants one of `against` (an arm) and `value` (a number)"),
    "no ratio": ("direction: less", "direction: less\n  form: ratio", "a ratio wants a `smallest` of 1 or more"),
    "a later claim": ("rules_out", "given: [same-as-plain]\n  rules_out", "no claim 'same-as-plain' stands before it"),
    "an empty headline": (
        "[better-than-plain], s",
        "[best], s",
        "headline better: no claim 'best' is asked in 'table'",
    ),
    "a long part": ("core_minutes: 1,", "core_minutes: 91,", "Expected `float` <= 90.0 - at `$.parts[0].core_minutes`"),
    "a dear study": ("core_minutes: 1,", "core_minutes: 2,", "the parts take 24 core minutes, of 20"),
    "few units": ("count: 12", "count: 4", "Expected `int` >= 5 - at `$.units[0].count`"),
    "an unknown set": ("looks: [test]", "looks: [tset]", "part throws: test_sets have no 'tset'"),
    "nobody looks": ("looks: [test]", "looks: []", "no part looks at 'test'"),
    "a later part": ("looks: [test]", "looks: [test], needs: [more]", "no part 'more' stands before it"),
    "no YAML": ("title: Coins", "title: [", "while parsing a flow sequence"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_that_says_where(tmp_path: Path, mistake: str) -> None:
    """Whatever it is."""
    was, becomes, said = MISTAKES[mistake]
    assert was in PLAN
    with pytest.raises(ConfigError) as error:
        told(tmp_path, PLAN.replace(was, becomes))
    assert said in str(error.value) and "\n" not in str(error.value) and "plan-1.yaml" in str(error.value)


def test_a_plan_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such plan"):
        read(tmp_path / "plan-1.yaml")
