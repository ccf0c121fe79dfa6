"""The canaries' own little queue: whatever happens in whatever order, issued = ended + outstanding, and a replay of its
records gives it back."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.probes.book import BookSettings, CanaryBook
from schemas.canaries import Canary, CanaryEnd
from schemas.errors import ErrorKind, LedgerError
from schemas.ids import OrderId, content_id
from schemas.injection import Worth
from schemas.ledger import CanaryEnded, Record
from schemas.orders import Accept, Attempt, DeadLetter, EndReason, Holding, Lease, OrderKind, Outcome
from schemas.samples import answered
from schemas.verdicts import FAITHFULNESS, PROVENANCE, Errored, Passed
from tests.doubles.attempts import candidate, passage

SETTINGS = BookSettings("grounded_answer", lease_s=10.0, judges={FAITHFULNESS: "judge@1"})
PASSED = Passed(FAITHFULNESS, 0.9, 0.5)


def canary(number: int) -> Canary:
    return Canary(
        OrderId(content_id(number)), passage(number), answered("Who?", "Oda"), Worth.GOOD, f"rows#line={number}"
    )


def judged(lease: Lease) -> Outcome:
    return Outcome(lease.order.id, Attempt(1, None, candidate("Who?"), (PASSED,)), Accept())


class Book(RuleBasedStateMachine):
    """Conductors lease, die, are late and report; sometimes the queue dies and is made again of its records."""

    @initialize()
    def begin(self) -> None:
        self.book, self.now, self.records = CanaryBook(SETTINGS), 0.0, list[Record]()
        self.issued, self.ended = 0, set[OrderId]()
        self.in_hand: list[tuple[str, Lease]] = []

    @rule()
    def issue(self) -> None:
        self.records.append(self.book.issue(canary(self.issued), self.now))
        self.issued += 1

    @rule(conductor=st.sampled_from("ab"), limit=st.integers(0, 3))
    def lease(self, conductor: str, limit: int) -> None:
        leases = self.book.lease(self.now, conductor, limit)
        assert len(leases) <= limit
        for lease in leases:
            assert lease.order.kind is OrderKind.CANARY and lease.order.id not in self.ended
            held = [mine for _, mine in self.in_hand if mine.order.id == lease.order.id]
            assert all(mine.expires_at <= self.now for mine in held), "two hold it at once"
        self.in_hand += [(conductor, lease) for lease in leases]

    @rule(seconds=st.floats(0.1, 12))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        if not self.in_hand:
            return
        _, lease = self.in_hand.pop(data.draw(st.integers(0, len(self.in_hand) - 1)))
        ended = self.book.settle(judged(lease), self.now)
        assert (ended is None) is (lease.order.id in self.ended), "late reports change nothing, first ones count"
        if ended is not None:
            self.records.append(ended)
            self.ended.add(lease.order.id)

    @rule(conductor=st.sampled_from("ab"))
    def die(self, conductor: str) -> None:
        self.in_hand = [(name, lease) for name, lease in self.in_hand if name != conductor]
        self.book.release(conductor)

    @rule(joins=st.booleans())
    def made_again(self, joins: bool) -> None:
        """Of a queue that died the records are left; conductors that live say what they hold, or have died with it."""
        self.book = CanaryBook(SETTINGS)
        for record in self.records:
            self.book.replay(record)
        alive, self.in_hand = self.in_hand if joins else [], []
        for conductor, lease in alive:
            if self.book.hold(conductor, [Holding(lease.order.id, 1)], self.now):
                self.in_hand.append((conductor, lease))

    @rule()
    def spend_the_budget(self) -> None:
        for record in self.book.end_unleased(self.now, "spent"):
            assert isinstance(record, CanaryEnded) and record.end is CanaryEnd.BUDGET
            self.records.append(record)
            self.ended.add(record.order_id)

    @invariant()
    def conserved(self) -> None:
        if hasattr(self, "book"):
            assert self.issued == len(self.ended) + self.book.outstanding


TestBook = Book.TestCase
TestBook.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize(
    ("attempt", "decision", "end"),
    [
        (Attempt(1, None, candidate("Who?"), (PASSED,)), Accept(), CanaryEnd.JUDGED),
        (Attempt(1, None, candidate("Who?")), DeadLetter(EndReason.REJECTED, "found good"), CanaryEnd.UNVERIFIED),
        (Attempt(1, None, None), DeadLetter(EndReason.INTERNAL_ERROR, "a bug"), CanaryEnd.FAILED),
        (
            Attempt(
                1,
                None,
                candidate("Who?"),
                (Passed(PROVENANCE, 1, 1), Errored(FAITHFULNESS, ErrorKind.PERMANENT, "no")),
            ),
            Accept(),
            CanaryEnd.ERRORED,
        ),
    ],
)
def test_how_a_canary_ends_follows_from_what_was_reported(
    attempt: Attempt, decision: Accept | DeadLetter, end: CanaryEnd
) -> None:
    """Judged, not judged, not asked, not our day: four words for it, and the judges that were asked."""
    book = CanaryBook(SETTINGS)
    book.issue(canary(1), 0.0)
    book.lease(0.0, "a", 1)
    ended = book.settle(Outcome(canary(1).id, attempt, decision), 1.0)
    assert ended is not None and ended.end is end
    asked = any(said.gate == FAITHFULNESS for said in attempt.verdicts)
    assert ended.judges == ({FAITHFULNESS: "judge@1"} if asked else {})


def test_a_ledger_that_ends_what_was_never_issued_is_refused() -> None:
    """A damaged ledger is told, not counted."""
    book = CanaryBook(SETTINGS)
    with pytest.raises(LedgerError, match="not outstanding"):
        book.replay(CanaryEnded(0.0, OrderId("00"), CanaryEnd.JUDGED, Worth.GOOD, "x"))
    issued = book.issue(canary(1), 0.0)
    with pytest.raises(LedgerError, match="twice"):
        book.replay(issued)
