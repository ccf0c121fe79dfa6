"""Records of a small run, and everything counted of them."""

from collections.abc import Iterable

from actors.counts.tally import Tally
from schemas.errors import ErrorKind
from schemas.ledger import Planned, Record
from schemas.orders import Attempt, Order
from schemas.progress import (
    Summary,
)
from schemas.recovery import Diagnosis, Modes
from schemas.samples import Cost
from schemas.verdicts import FAITHFULNESS, REWARD, Errored, Passed, Rejected, Verdict
from tests.doubles.attempts import REPAIR, candidate, orders, passage

ONE = passage(1)
FAITHFUL = Passed(FAITHFULNESS, 0.9, 0.5, cost=Cost(prompt_tokens=20, seconds=0.2))
UNFAITHFUL = Rejected(FAITHFULNESS, 0.1, 0.5, cost=Cost(prompt_tokens=20, seconds=0.2))
GOOD = Passed(REWARD, 0.9, 0.5, cost=Cost(prompt_tokens=5, seconds=0.1))
POOR = Rejected(REWARD, 0.2, 0.5, cost=Cost(prompt_tokens=5, seconds=0.1))
BROKEN = Errored(REWARD, ErrorKind.NONSENSE, "no score")
INVENTED = Diagnosis(Modes.PARAMETRIC, 0.8)


def counted(records: Iterable[Record]) -> Summary:
    """Everything counted."""
    tally = Tally()
    for record in records:
        tally.apply(record)
    return tally.summary()


def planned(slots: int) -> tuple[Planned, list[Order]]:
    """So many orders of one passage."""
    made = orders(ONE, slots)
    return Planned(1.0, ONE, tuple(made)), made


def first(*verdicts: Verdict) -> Attempt:
    """A first attempt."""
    return Attempt(1, None, candidate("What?"), verdicts)


def repaired(*verdicts: Verdict) -> Attempt:
    """A second one, under a repair."""
    return Attempt(2, REPAIR, candidate("What else?"), verdicts)
