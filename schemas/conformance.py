"""What a check of what a user brings finds: whether it keeps to what every one of its kind must.

Law: a check finds something or it does not; it never raises, whatever the checked code does.
"""

from collections.abc import Awaitable
from enum import Enum

from msgspec import Struct


class Seam(Enum):
    """What a user may bring, as `gleaner check --as` calls it."""

    TASK = "task"
    GATE = "gate"
    REPAIR = "repair"
    READER = "reader"
    SINK = "sink"


class CheckOutcome(Enum):
    """Of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOTED = "noted"
    """Nothing that is forbidden, and something that its author should know."""


class CheckFinding(Struct, frozen=True):
    """What one check came to; `detail` is for a person, and empty where there is nothing to say."""

    check: str
    outcome: CheckOutcome
    detail: str = ""


class Broken(Exception):
    """What is checked did what none of its kind may do."""


class Noted(Exception):
    """What its author should know."""


async def found_by(check: str, made: Awaitable[None]) -> CheckFinding:
    """One check's finding."""
    try:
        await made
    except Noted as noted:
        return CheckFinding(check, CheckOutcome.NOTED, str(noted))
    except Broken as broken:
        return CheckFinding(check, CheckOutcome.FAILED, str(broken))
    return CheckFinding(check, CheckOutcome.PASSED)
