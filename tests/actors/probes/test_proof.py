"""What `gleaner verify` says of canaries: issued once, ended once, no order's twin."""

import pytest

from actors.audit.findings import Findings
from actors.audit.fold import read_book
from schemas.canaries import Canary, CanaryEnd
from schemas.ids import OrderId
from schemas.injection import Worth
from schemas.ledger import CanaryEnded, CanaryIssued, Planned, Record
from schemas.orders import Order
from schemas.samples import answered
from tests.doubles.attempts import passage

OF = passage(1)
ORDER = Order.fresh(OF.id, "grounded_answer", 0)


def issued(canary_id: str = "c") -> CanaryIssued:
    return CanaryIssued(1.0, Canary(OrderId(canary_id), OF, answered("Who?", "Oda"), Worth.GOOD, "rows#line=1"))


def ended(canary_id: str = "c") -> CanaryEnded:
    return CanaryEnded(2.0, OrderId(canary_id), CanaryEnd.JUDGED, Worth.GOOD, "rows#line=1")


@pytest.mark.parametrize(
    ("records", "faults"),
    [
        ([issued(), ended()], 0),
        ([issued()], 0),
        ([issued(), issued()], 1),
        ([ended()], 1),
        ([issued(), ended(), ended()], 1),
        ([issued(ORDER.id)], 1),
    ],
    ids=["whole", "outstanding", "issued twice", "never issued", "ended twice", "an order's id"],
)
def test_every_canary_has_one_beginning_and_one_end_at_most(records: list[Record], faults: int) -> None:
    """One that is outstanding is no fault: the run goes on, or was interrupted."""
    findings = Findings()
    book = read_book(enumerate([Planned(0.0, OF, (ORDER,)), *records], 1), findings)
    assert findings.faults == faults, findings.kept
    assert set(book.ends) == {ORDER.id}
