"""Reports on attempts that are over: paid for, as far as somebody was given the attempt to make.

Law: each lease of an attempt beyond the first report may be paid for once. A message that is sent twice is no second
making.
"""

from actors.queue.held import Held
from schemas.ids import OrderId
from schemas.ledger import StaleReport
from schemas.orders import Outcome, cost_of

MOST_OWED = 10_000
"""Attempts with reports still to come that are remembered: more than any outage leaves behind."""


class LateReports:
    """Which attempts were leased more often than reported, and how often."""

    def __init__(self) -> None:
        self._owed: dict[tuple[OrderId, int], int] = {}

    def owe(self, held: Held, *, reported: bool) -> None:
        """The order's present attempt is over: who else made it has not reported yet."""
        owed, held.lent = held.lent - reported, 0
        if owed > 0:
            key = (held.order.id, held.attempt)
            self._owed[key] = self._owed.get(key, 0) + owed
            if len(self._owed) > MOST_OWED:
                del self._owed[next(iter(self._owed))]

    def reported(self, outcome: Outcome, now: float) -> StaleReport | None:
        """What a report on an attempt that is over costs; None where nobody was given the attempt once more."""
        key = (outcome.order_id, outcome.attempt.number)
        owed = self._owed.pop(key, 0)
        if owed > 1:
            self._owed[key] = owed - 1
        return StaleReport(now, *key, cost_of(outcome.attempt)) if owed else None
