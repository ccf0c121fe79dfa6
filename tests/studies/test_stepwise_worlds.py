"""The third world is the one that the rule chooses from the committed looks, and no other."""

import json

from studies.stepwise.world_pilot import OUTPUT, passes
from studies.stepwise.worlds import CANDIDATES, THIRD


def test_the_third_world_is_the_first_candidate_that_passed() -> None:
    """By bases and SFT alone: no look of the pilot at a candidate has an arm in it."""
    rows = [row for row in map(json.loads, OUTPUT.read_text().splitlines()) if row["look"] == "curve"]
    looked = {one.name: [row["errors"] for row in rows if row["world"] == one.name] for one in CANDIDATES}
    passed = [one for one in CANDIDATES if looked[one.name] and passes(looked[one.name])]
    assert (THIRD.lesson, THIRD.steps, THIRD.teacher) == (passed[0].lesson, passed[0].steps, passed[0].teacher)
    assert len(looked[passed[0].name]) == 2
    assert all(name == "base" or name.startswith("sft-") for row in rows for name in row["errors"])


def test_a_world_whose_curve_is_flat_or_falls_at_first_does_not_pass() -> None:
    """What the rule is for: more problems must help, and the first ones must not harm."""
    good = {"base": 0.7, "sft-128": 0.65, "sft-512": 0.6, "sft-2048": 0.5}
    assert passes([good])
    assert not passes([good | {"sft-512": 0.63}])
    assert not passes([good | {"sft-128": 0.75}])
    assert not passes([good | {"base": 0.85}])
