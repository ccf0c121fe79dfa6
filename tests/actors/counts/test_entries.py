"""Records that cannot be are refused before anything is counted."""

import pytest

from schemas.errors import LedgerError
from schemas.ledger import AcceptedEnd
from tests.actors.counts.records import FAITHFUL, GOOD, counted, first, planned


def test_an_end_that_cannot_be_is_no_count() -> None:
    """A damaged ledger ends an order twice: the second is refused instead of making outstanding orders negative."""
    plan, (order,) = planned(1)
    end = AcceptedEnd(2.0, order.id, first(FAITHFUL, GOOD))
    with pytest.raises(LedgerError, match=order.id):
        counted([plan, end, end])
