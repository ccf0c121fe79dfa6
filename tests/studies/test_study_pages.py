"""For every study of the frame in the tree: plan, results and page say the same."""

from hashlib import sha256
from pathlib import Path

import pytest

from studies.frame import page, results
from studies.frame.__main__ import ROOT
from studies.frame.plan import plans, read

PLANS = plans(ROOT)


def test_there_are_studies_to_hold() -> None:
    """The test below would pass an empty tree."""
    assert {path.parent.name for path in PLANS} >= {"stepwise", "provenance"}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_plan_results_and_page_agree(path: Path) -> None:
    """The page is what plan, results and prose make, to the letter; so no figure and no word of it is by hand. The
    results are of this very plan, and each part of theirs is."""
    plan = read(path)
    found = results.read_results(ROOT, plan)
    said = results.path_of(ROOT, plan, "md").read_text(encoding="utf-8")
    assert said == page.page(plan, found, page.prose_of(ROOT, plan)), "python -m studies.frame page writes it anew"
    if found is not None:
        held = sha256(path.read_bytes()).hexdigest()
        assert {found.plan.sha256, *(part.plan_sha256 for part in found.parts)} == {held}
        assert {part.part for part in found.parts} | set(found.missing) == {part.name for part in plan.every_part}
