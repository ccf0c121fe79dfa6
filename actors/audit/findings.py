"""Collects findings. Law: every fault is counted, and the first of each kind are kept with their places."""

from collections import Counter

from schemas.audit import Check, Finding, Severity
from schemas.ids import OrderId

MOST_OF_A_KIND = 20


class Findings:
    """The findings so far."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[Check, Severity]] = Counter()
        self.kept: list[Finding] = []
        self.faults = 0

    def error(self, check: Check, what: str, where: str, order_id: OrderId | None = None) -> None:
        """Notes that a promise of the run is broken."""
        self.faults += 1
        self._keep(Finding(Severity.ERROR, check, what, where, order_id))

    def warning(self, check: Check, what: str, where: str) -> None:
        """Notes that something was not checked, or is not finished."""
        self._keep(Finding(Severity.WARNING, check, what, where))

    def _keep(self, finding: Finding) -> None:
        kind = (finding.check, finding.severity)
        self._seen[kind] += 1
        if self._seen[kind] <= MOST_OF_A_KIND:
            self.kept.append(finding)
