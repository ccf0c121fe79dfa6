"""What `gleaner verify` says of probes: issued once, attempted without a gap, ended once, no order's twin."""

import pytest
from msgspec.structs import replace

from actors.audit.findings import Findings
from actors.audit.fold import read_book
from schemas.flaws import Worth
from schemas.ids import OrderId
from schemas.ledger import Planned, ProbeEnded, ProbeIssued, ProbeRejoined, Record
from schemas.orders import Order
from tests.doubles.attempts import passage
from tests.doubles.probes import attempt, ended, facts, probe, rejoined

OF = passage(1)
ORDER = Order.fresh(OF.id, "grounded_answer", 0)
BAD = facts(1, Worth.BAD)


def issued(probe_id: str = probe(1).id) -> ProbeIssued:
    return ProbeIssued(1.0, replace(probe(1), id=OrderId(probe_id)))


def over(number: int | None = 1) -> ProbeEnded:
    return ended(1, None if number is None else attempt((), number=number), BAD)


def again(number: int = 1) -> ProbeRejoined:
    return rejoined(1, attempt((), number=number), BAD)


@pytest.mark.parametrize(
    ("records", "faults"),
    [
        ([issued(), over()], 0),
        ([issued()], 0),
        ([issued(), again(), over(2)], 0),
        ([issued(), again()], 0),
        ([issued(), again(), over(None)], 0),
        ([issued(), issued()], 1),
        ([over()], 1),
        ([again()], 1),
        ([issued(), over(), over()], 1),
        ([issued(), over(), again()], 1),
        ([issued(), again(), over(3)], 1),
        ([issued(), again(2)], 1),
        ([issued(ORDER.id)], 1),
    ],
    ids=[
        "whole",
        "outstanding",
        "repaired",
        "being repaired",
        "left when the budget was spent",
        "issued twice",
        "never issued",
        "repaired, never issued",
        "ended twice",
        "repaired after its end",
        "an attempt is missing",
        "the first attempt is missing",
        "an order's id",
    ],
)
def test_every_probe_has_one_beginning_and_one_end_at_most(records: list[Record], faults: int) -> None:
    """An outstanding probe is not a fault: the run goes on, or was interrupted."""
    findings = Findings()
    book = read_book(enumerate([Planned(0.0, OF, (ORDER,)), *records], 1), findings)
    assert findings.faults == faults, findings.kept
    assert set(book.ends) == {ORDER.id}
