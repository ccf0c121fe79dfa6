"""Reports on attempts that are over. They are charged as often as the attempt was leased again.

Law: each lease of an attempt beyond the first report may be charged once. A message that is sent twice is charged once.
"""

from actors.queue.held import Held
from schemas.ids import OrderId
from schemas.ledger import StaleReport
from schemas.orders import Outcome, cost_of

MOST_OWED = 10_000
"""How many attempts with missing reports are remembered: more than any outage leaves behind."""


class LateReports:
    """The attempts that were leased more often than reported, and how many reports are missing."""

    def __init__(self) -> None:
        self._owed: dict[tuple[OrderId, int], int] = {}

    def owe(self, held: Held, *, reported: bool) -> None:
        """The order's present attempt is over: its other leases have not been reported yet."""
        owed, held.lent = held.lent - reported, 0
        if owed > 0:
            key = (held.order.id, held.attempt)
            self._owed[key] = self._owed.get(key, 0) + owed
            if len(self._owed) > MOST_OWED:
                del self._owed[next(iter(self._owed))]

    def reported(self, outcome: Outcome, now: float) -> StaleReport | None:
        """The record with the cost of a late report; None if no lease of the attempt lacks a report."""
        key = (outcome.order_id, outcome.attempt.number)
        owed = self._owed.pop(key, 0)
        if owed > 1:
            self._owed[key] = owed - 1
        return StaleReport(now, *key, cost_of(outcome.attempt)) if owed else None
