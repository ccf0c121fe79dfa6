"""How records change the number of outstanding orders, for records that no fold has counted yet."""

from collections.abc import Sequence

from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Record, Rescored


def outstanding_by(records: Sequence[Record]) -> int:
    """How many more orders are outstanding after these records; negative for fewer."""
    more = sum(len(record.orders) for record in records if isinstance(record, Planned))
    return more - sum(isinstance(record, AcceptedEnd | Rescored | DeadLetteredEnd | NotNeededEnd) for record in records)
