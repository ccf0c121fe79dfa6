"""How records move the number of outstanding orders, for a view between two folds of the ledger."""

from collections.abc import Sequence

from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rescored


def outstanding_by(records: Sequence[Record]) -> int:
    """By how many outstanding orders there are more after these records."""
    more = sum(len(record.orders) for record in records if isinstance(record, Planned))
    return more - sum(isinstance(record, AcceptedEnd | Rescored | DeadLetteredEnd) for record in records)
