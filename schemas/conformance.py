"""Findings of `gleaner check --as`: does a user's own task, gate, repair, reader or sink obey the rules of its kind?

Law: a check that ends normally passed; `Broken` and `Noted` are its other findings.
"""

from collections.abc import Awaitable
from enum import Enum

from msgspec import Struct


class Seam(Enum):
    """The kinds of code that a user may bring, by their names in `gleaner check --as`."""

    TASK = "task"
    GATE = "gate"
    REPAIR = "repair"
    READER = "reader"
    SINK = "sink"


class CheckOutcome(Enum):
    """The outcome of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOTED = "noted"
    """Nothing forbidden, but its author should know of it."""


class CheckFinding(Struct, frozen=True):
    """The outcome of one check; `detail` is for a person, and may be empty."""

    check: str
    outcome: CheckOutcome
    detail: str = ""


class Broken(Exception):
    """The checked code broke a rule of its kind."""


class Noted(Exception):
    """The checked code does something that its author should know of."""


async def found_by(check: str, made: Awaitable[None]) -> CheckFinding:
    """The finding of one check. Any exception but `Broken` and `Noted` is raised."""
    try:
        await made
    except Noted as noted:
        return CheckFinding(check, CheckOutcome.NOTED, str(noted))
    except Broken as broken:
        return CheckFinding(check, CheckOutcome.FAILED, str(broken))
    return CheckFinding(check, CheckOutcome.PASSED)
