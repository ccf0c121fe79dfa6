"""The findings of `gleaner verify`: every fault with its place, and how much was checked."""

from enum import Enum

from msgspec import Struct

from schemas.ids import OrderId


class Severity(Enum):
    """How bad a finding is."""

    ERROR = "error"
    """A promise is broken."""
    WARNING = "warning"
    """Something could not be checked, or is unfinished."""


class Check(Enum):
    """The checks of `gleaner verify`."""

    CONSERVATION = "conservation"
    SHARDS = "shards"
    ROWS = "rows"
    PROVENANCE = "provenance"
    MANIFEST = "manifest"
    LEDGER = "ledger"
    EXECUTION = "execution"
    """A program, executed again, gives what its row says (`--execute`)."""


class Finding(Struct, frozen=True):
    """One fault. `where`: a file, a uri or an order."""

    severity: Severity
    check: Check
    what: str
    where: str
    order_id: OrderId | None = None


class AuditReport(Struct, frozen=True):
    """The whole answer. `findings` holds a limited number of each kind; `faults` counts all errors."""

    orders: int
    accepted: int
    dead_lettered: int
    outstanding: int
    shards: int
    rows: int
    passages: int
    passages_checked: int
    """Passages that were compared with their documents."""
    quotes: int
    findings: tuple[Finding, ...]
    faults: int
    not_needed: int = 0
    programs: int | None = None
    """Programs of accepted samples that were executed again; None: not asked for."""

    @property
    def ok(self) -> bool:
        """Whether no promise is broken."""
        return self.faults == 0
