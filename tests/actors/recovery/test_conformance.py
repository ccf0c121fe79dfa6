"""Our own repairs pass the checks for repairs, and the checks find each fault of a bad repair."""

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest

from actors.recovery.conformance import CHECKS, RepairSubject, examine, finding
from actors.recovery.own import worded
from actors.recovery.repairs import OURS
from examples.repairs.shorter import shorter
from schemas.conformance import CheckOutcome
from schemas.recovery import RepairKind
from schemas.repairs import RejectedDraft

REPAIRS: dict[str, Callable[[RejectedDraft], Any]] = {
    **OURS,
    "words": worded("Be brief."),
    "the example": shorter,
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", REPAIRS)
async def test_our_repairs_keep_to_it(name: str, check: str) -> None:
    """No private door: what is asked of a user's repair is asked of ours."""
    found = await finding(check, RepairSubject(REPAIRS[RepairKind(name)]))
    assert found.outcome is CheckOutcome.PASSED, found.detail


numbers = itertools.count()


@pytest.mark.parametrize(
    ("repair", "check", "says"),
    [
        (lambda rejected: 7, "it gives a directive for a plain draft", "it gave int"),
        (lambda rejected: rejected.draft.answer[0], "it gives a directive for odd drafts", "for a draft that is empty"),
        (
            lambda rejected: {"parametric": ""}[rejected.diagnosis.mode],
            "it gives a directive for every failure mode",
            "for the failure mode temperature: it raised KeyError",
        ),
        (lambda rejected: f"{next(numbers)}", "asked again it says the same", "it gives another directive"),
        (lambda rejected: rejected.passage[:2000], "its words leave the passage to the task", "repeat the passage"),
        (
            lambda rejected: (time.sleep(0.3), "")[1],
            "it leaves the event loop free",
            "it held the event loop",
        ),
    ],
)
async def test_what_a_check_finds(repair: Callable[[RejectedDraft], Any], check: str, says: str) -> None:
    """Each by the check that is for it."""
    found = await finding(check, RepairSubject(repair))
    assert found.outcome is not CheckOutcome.PASSED
    assert says in found.detail


async def test_no_check_raises() -> None:
    """Whatever the repair does."""

    def falls(rejected: RejectedDraft) -> str:
        raise RuntimeError("no")

    assert {found.outcome for found in await examine(RepairSubject(falls))} == {CheckOutcome.FAILED}
