"""What a check of the machine says. Law: what could not be found out is unknown, with the reason, and never good."""

from enum import Enum

from msgspec import Struct


class MachineHealth(Enum):
    """What a check came to."""

    OK = "ok"
    TROUBLE = "trouble"
    UNKNOWN = "unknown"


class MachineFinding(Struct, frozen=True):
    """One line. `advice`: what to do about trouble; `page`: of the documentation, where one helps."""

    check: str
    health: MachineHealth
    says: str
    advice: str = ""
    page: str = ""


def good(check: str, says: str) -> MachineFinding:
    """Nothing to do."""
    return MachineFinding(check, MachineHealth.OK, says)


def trouble(check: str, says: str, advice: str, page: str = "") -> MachineFinding:
    """A run will fail or be slow because of it."""
    return MachineFinding(check, MachineHealth.TROUBLE, says, advice, page)


def unknown(check: str, says: str, advice: str = "") -> MachineFinding:
    """It could not be found out."""
    return MachineFinding(check, MachineHealth.UNKNOWN, says, advice)
