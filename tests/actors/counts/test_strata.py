"""Orders by the values that were drawn for them."""

from msgspec.structs import replace

from actors.counts.tally import Tally
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Record, Reopened
from schemas.orders import DeadLetter, EndReason, Lease
from schemas.progress import StratumCount
from tests.doubles.attempts import accepted, orders, passage


def told(*records: Record) -> dict[tuple[str, str], StratumCount]:
    tally = Tally()
    for record in records:
        tally.apply(record)
    return {(row.variable, row.value): row for row in tally.summary().strata}


def test_each_value_is_counted_by_what_came_of_its_orders() -> None:
    """A dead letter that is put back is open again."""
    one = passage(1)
    given = [
        replace(order, vary={"level": level, "topic": "salt"})
        for order, level in zip(orders(one, 4), ("easy", "easy", "hard", "hard"), strict=True)
    ]
    end = DeadLetter(EndReason.BUDGET, "spent")
    kept = [
        Planned(0.0, one, tuple(given)),
        AcceptedEnd(1.0, given[0].id, accepted(Lease(given[0], one, 1, 0.0)).attempt),
        NotNeededEnd(2.0, given[1].id),
        DeadLetteredEnd(3.0, given[2].id, None, end),
        DeadLetteredEnd(3.0, given[3].id, None, end),
    ]
    found = told(*kept)
    assert found["level", "easy"] == StratumCount("level", "easy", 2, 1, 0, 1)
    assert found["level", "hard"] == StratumCount("level", "hard", 2, 0, 2, 0)
    assert found["topic", "salt"] == StratumCount("topic", "salt", 4, 1, 2, 1)
    put_back = Reopened(4.0, given[3], one, 5, end, rejected=False)
    assert told(*kept, put_back)["level", "hard"].dead_lettered == 1


def test_what_has_too_many_values_is_not_counted() -> None:
    """A persona of thousands is no table."""
    many = [
        Planned(0.0, passage(n), (replace(orders(passage(n), 1)[0], vary={"who": str(n), "level": "easy"}),))
        for n in range(70)
    ]
    assert set(told(*many)) == {("level", "easy")}
    assert told() == {}
