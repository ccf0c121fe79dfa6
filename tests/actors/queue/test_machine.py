"""The queue as a state machine: what moves an order, what does not, and who goes first."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.queue.ends import BUDGET_SPENT
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.text.vectors import packed
from schemas.errors import LedgerError
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Record, Rejoined, StaleReport
from schemas.orders import DeadLetter, Duplicate, EndReason, Lease, Likeness, Outcome, Recorded, Stale
from schemas.vectors import Embedded, Vector
from schemas.verdicts import FAITHFULNESS
from schemas.wire import decode_record, encode_record
from tests.doubles.attempts import (
    REPAIR,
    TOKENS_PER_ATTEMPT,
    accepted,
    given_up,
    orders,
    passage,
    rejected,
    unknown_order,
)

LIMITS = QueueLimits(max_attempts=3, lease_s=60, fresh_share=0.25)
EQUAL = {True: 1.0, False: 0.0}


def make(limits: QueueLimits = LIMITS) -> RegenerationQueue:
    return RegenerationQueue(limits, lambda a, b: EQUAL[a.question == b.question])


@pytest.fixture
def queue() -> Iterator[RegenerationQueue]:
    """A queue whose invariants are checked when the test is done with it."""
    made = make()
    yield made
    made.check()


def plan(queue: RegenerationQueue, number: int, *, slots: int = 1, now: float = 0) -> None:
    one = passage(number)
    assert queue.plan(one, orders(one, slots), now) is not None


def one_lease(queue: RegenerationQueue, now: float = 0, conductor: str = "c") -> Lease:
    (lease,) = queue.lease(now, conductor, 1)
    return lease


def test_a_passage_is_taken_in_once(queue: RegenerationQueue) -> None:
    """The corpus is read again on resume: what is known issues nothing."""
    plan(queue, 1, slots=3)
    one = passage(1)
    assert queue.plan(one, orders(one, 3), 5) is None
    assert queue.issued == queue.outstanding == 3


def test_an_accepted_order_ends_with_one_record(queue: RegenerationQueue) -> None:
    """Leased, accepted, forgotten; a second report on it is stale."""
    plan(queue, 1)
    lease = one_lease(queue)
    settlement, record = queue.settle(accepted(lease), 1)
    assert settlement == Recorded(lease.order.id)
    assert isinstance(record, AcceptedEnd)
    assert (queue.accepted, queue.outstanding) == (1, 0)
    assert queue.settle(accepted(lease), 2) == (Stale(lease.order.id), None)


def test_a_rejected_order_comes_back_with_its_repair_and_its_history(queue: RegenerationQueue) -> None:
    """The next lease is attempt 2, carries the directive, and tells what failed before."""
    plan(queue, 1)
    _, record = queue.settle(rejected(one_lease(queue)), 1)
    assert isinstance(record, Rejoined)
    again = one_lease(queue, now=1)
    assert (again.attempt, again.repair) == (2, REPAIR)
    assert [past.mode for past in again.history] == ["parametric"]


def test_attempts_are_bounded_by_the_queue_alone(queue: RegenerationQueue) -> None:
    """A policy that never stops is stopped: the third rejection of three is a dead letter."""
    plan(queue, 1)
    for _ in range(2):
        queue.settle(rejected(one_lease(queue)), 0)
    _, record = queue.settle(rejected(one_lease(queue)), 0)
    assert isinstance(record, DeadLetteredEnd)
    assert record.end.reason is EndReason.REJECTED
    assert record.end.gates == (FAITHFULNESS,)
    assert queue.outstanding == 0


def test_a_lease_that_ends_puts_its_order_back_under_the_same_attempt(queue: RegenerationQueue) -> None:
    """A conductor hangs past its lease: another makes the same attempt; the first report wins, the second is stale."""
    plan(queue, 1)
    late = one_lease(queue, now=0, conductor="hangs")
    assert queue.lease(59, "other", 1) == []
    again = one_lease(queue, now=60, conductor="other")
    assert again.attempt == late.attempt == 1
    assert isinstance(queue.settle(rejected(late), 61)[0], Recorded)
    assert isinstance(queue.settle(accepted(again), 62)[0], Stale)
    assert one_lease(queue, now=63).attempt == 2


def test_a_dead_conductors_leases_return_at_once(queue: RegenerationQueue) -> None:
    """Its process is gone: no need to wait for the lease to end; the others' leases stay."""
    plan(queue, 1)
    plan(queue, 2)
    dead, alive = one_lease(queue, conductor="dead"), one_lease(queue, conductor="alive")
    assert queue.release("dead", 1) == 1
    assert one_lease(queue, now=1).order == dead.order
    assert isinstance(queue.settle(accepted(alive), 2)[0], Recorded)


def test_repairs_go_ahead_of_fresh_orders_but_leave_them_their_share(queue: RegenerationQueue) -> None:
    """However long fresh orders have waited, three of four leases are repairs' while there are repairs."""
    plan(queue, 1, slots=6)
    for lease in queue.lease(0, "c", 6):
        queue.settle(rejected(lease), 900)
    plan(queue, 2, slots=6, now=0)
    attempts = [one_lease(queue, now=1000).attempt for _ in range(12)]
    assert attempts == [2, 2, 2, 1, 2, 2, 2, 1, 1, 1, 1, 1]


def test_the_queue_says_when_to_look_again(queue: RegenerationQueue) -> None:
    """Everything is leased: the next thing that can happen by itself is the end of the first lease."""
    assert queue.next_wake() is None
    plan(queue, 1, slots=2)
    assert queue.next_wake() is None
    one_lease(queue, now=5)
    one_lease(queue, now=7)
    assert queue.next_wake() == 5 + LIMITS.lease_s


def test_a_near_duplicate_is_not_accepted_and_its_lease_goes_on(queue: RegenerationQueue) -> None:
    """Two slots of one passage ask the same: the second is told which order it repeats, then may be repaired."""
    plan(queue, 1, slots=2)
    one, two = queue.lease(0, "c", 2)
    queue.settle(accepted(one, "When?"), 1)
    settlement, record = queue.settle(accepted(two, "When?"), 2)
    assert record is None
    assert isinstance(settlement, Duplicate)
    assert settlement.of == one.order.id
    assert isinstance(queue.settle(rejected(two), 3)[0], Recorded)


@pytest.mark.parametrize(("likeness", "refused"), [(0.9, True), (0.89, False)])
def test_so_alike_as_the_threshold_is_too_alike(likeness: float, refused: bool) -> None:
    """`gates.duplicate_similarity` is the least that counts as the same."""
    queue = RegenerationQueue(LIMITS, lambda a, b: likeness)
    plan(queue, 1, slots=2)
    one, two = queue.lease(0, "c", 2)
    queue.settle(accepted(one, "When?"), 1)
    assert isinstance(queue.settle(accepted(two, "Where?"), 2)[0], Duplicate) is refused
    queue.check()


def test_a_queue_that_is_made_again_compares_the_same_vectors() -> None:
    """What was accepted is replayed from its records, vectors included: a restart forgets nothing."""
    limits = replace(LIMITS, vector_threshold=0.8)
    before, again = make(limits), make(limits)
    one_passage = passage(1)
    planned = before.plan(one_passage, orders(one_passage, 2), 0)
    one, two = before.lease(0, "c", 2)
    record = before.settle(with_vector(accepted(one, "When?"), 1.0, 0.1), 1)[1]
    assert planned is not None and record is not None
    for each in (planned, record):
        again.replay(decode_record(encode_record(each)))
    reworded = with_vector(accepted(two, "In which year?"), 1.0, 0.2)
    found = [queue.settle(reworded, 2)[0] for queue in (before, again)]
    assert found[0] == found[1] and isinstance(found[0], Duplicate) and found[0].by is Likeness.VECTORS
    assert isinstance(again.settle(with_vector(accepted(two, "Who?"), 0.1, 1.0), 3)[0], Recorded)
    again.check()


def test_a_record_without_a_vector_is_what_it_was() -> None:
    """A run without an embedder writes the same bytes as before there were any."""
    queue = make()
    plan(queue, 1)
    record = queue.settle(accepted(one_lease(queue), "When?"), 1)[1]
    assert record is not None
    assert b"embedded" not in encode_record(record)
    assert b"vector" not in encode_record(record)


def with_vector(outcome: Outcome, *values: float) -> Outcome:
    embedded = Embedded(Vector("m@1", packed(values)))
    return replace(outcome, attempt=replace(outcome.attempt, embedded=embedded))


def test_the_same_question_of_another_passage_is_no_duplicate(queue: RegenerationQueue) -> None:
    """Questions are compared within a passage alone."""
    plan(queue, 1)
    plan(queue, 2)
    one, two = queue.lease(0, "c", 2)
    queue.settle(accepted(one, "When?"), 1)
    assert isinstance(queue.settle(accepted(two, "When?"), 1)[0], Recorded)


def test_a_spent_budget_ends_what_is_left() -> None:
    """Two attempts' tokens are allowed: nothing more is leased; what waits or would be repaired ends as budget."""
    limits = QueueLimits(max_attempts=3, lease_s=60, fresh_share=0.25, tokens=2 * TOKENS_PER_ATTEMPT)
    queue = make(limits)
    for number in range(4):
        plan(queue, number)
    one, two, three = queue.lease(0, "c", 3)
    queue.settle(accepted(one), 1)
    queue.settle(accepted(two), 1)
    assert queue.exhausted
    assert queue.lease(2, "c", 9) == []
    _, record = queue.settle(rejected(three), 3)
    assert isinstance(record, DeadLetteredEnd)
    assert record.end == BUDGET_SPENT
    assert len(queue.end_unleased(4, BUDGET_SPENT)) == 1
    assert (queue.accepted, queue.dead_lettered, queue.outstanding) == (2, 2, 0)
    queue.check()


def test_an_attempt_ahead_of_ours_is_stale(queue: RegenerationQueue) -> None:
    """Nobody was given it: the attempt below decides what comes next."""
    plan(queue, 1)
    lease = one_lease(queue)
    second = Lease(lease.order, lease.passage, attempt=2, expires_at=0)
    assert isinstance(queue.settle(accepted(second), 0)[0], Stale)
    assert isinstance(queue.settle(rejected(lease), 0)[0], Recorded)
    assert isinstance(queue.settle(accepted(second), 0)[0], Recorded)
    queue.check()


def test_an_order_that_is_not_known_is_stale(queue: RegenerationQueue) -> None:
    """An outcome of a run that never was (or ended long ago) changes nothing."""
    plan(queue, 1)
    settlement, _ = queue.settle(unknown_order(one_lease(queue)), 0)
    assert isinstance(settlement, Stale)
    assert queue.stale == 1


def test_what_dead_conductors_made_in_vain_is_paid_from_the_budget() -> None:
    """Twenty conductors are taken for dead and report after all: one attempt was made, twenty-one were paid for. Each
    is charged; a message that comes twice is not charged twice; a queue that is made again knows what was spent."""
    queue = make(QueueLimits(3, 60, 0.25, tokens=15 * TOKENS_PER_ATTEMPT))
    one = passage(1)
    planned = queue.plan(one, orders(one, 1), 0)
    assert planned is not None
    lost = []
    for number in range(20):
        lost.append(one_lease(queue, conductor=f"c{number}"))
        queue.release(f"c{number}", 0)
    _, end = queue.settle(accepted(one_lease(queue)), 1)
    assert end is not None and queue.spent == TOKENS_PER_ATTEMPT
    records: list[Record] = [planned, end]
    for lease in [*lost, lost[0]]:
        settlement, record = queue.settle(accepted(lease), 2)
        assert isinstance(settlement, Stale) and record is None
        records += queue.followed()
    stale = [record for record in records if isinstance(record, StaleReport)]
    assert len(stale) == 20 and {record.attempt for record in stale} == {1}
    assert queue.spent == 21 * TOKENS_PER_ATTEMPT and queue.exhausted
    again = make()
    for record in records:
        again.replay(record)
    assert again.spent == queue.spent
    again.check()


def test_a_report_that_is_sent_twice_is_charged_once(queue: RegenerationQueue) -> None:
    """The answer to the first message was lost; nobody else made the attempt."""
    plan(queue, 1)
    lease = one_lease(queue)
    for _ in range(3):
        queue.settle(accepted(lease), 1)
    assert queue.followed() == []
    assert (queue.spent, queue.stale) == (TOKENS_PER_ATTEMPT, 2)


def test_replaying_the_records_gives_the_same_queue() -> None:
    """A crash: the new process has every order where it was, leases aside, and goes on with the right attempt."""
    queue, records = make(), list[Record]()
    for number in range(3):
        one = passage(number)
        planned = queue.plan(one, orders(one, 1), 0)
        assert planned is not None
        records.append(planned)
    one, two, _ = queue.lease(0, "c", 3)
    for outcome in (rejected(one), given_up(two)):
        _, record = queue.settle(outcome, 1)
        assert record is not None
        records.append(record)
    again = make()
    for record in records:
        again.replay(record)
    again.check()
    assert (again.issued, again.dead_lettered, again.outstanding) == (3, 1, 2)
    assert sorted(lease.attempt for lease in again.lease(2, "c", 9)) == [1, 2]
    assert again.spent == queue.spent


def test_a_ledger_that_ends_an_order_twice_is_refused() -> None:
    """Damage or a foreign ledger: replay says which order, instead of counting wrong."""
    queue = make()
    plan(queue, 1)
    _, record = queue.settle(given_up(one_lease(queue)), 0)
    assert record is not None
    again = make()
    plan(again, 1)
    again.replay(record)
    with pytest.raises(LedgerError, match="not outstanding"):
        again.replay(record)


def test_the_end_reason_of_a_policys_stop_is_kept(queue: RegenerationQueue) -> None:
    """A dead letter says why and which gates refused."""
    plan(queue, 1)
    _, record = queue.settle(given_up(one_lease(queue)), 0)
    assert isinstance(record, DeadLetteredEnd)
    assert isinstance(record.end, DeadLetter)
    assert record.end.detail == "stopped"


@given(
    share=st.sampled_from([0.1, 0.25, 0.5]),
    steps=st.lists(
        st.tuples(st.sampled_from(["plan", "serve", "serve", "release"]), st.floats(0, 9), st.booleans()), max_size=80
    ),
)
@settings(max_examples=150, deadline=None)
def test_neither_fresh_orders_nor_repairs_starve(share: float, steps: list[tuple[str, float, bool]]) -> None:
    """However orders arrive, fail and return: within a kind the oldest goes first, and while both kinds wait, of any
    row of leases at least the whole part of its share goes to each."""
    queue = make(QueueLimits(max_attempts=99, lease_s=1e9, fresh_share=share))
    ready: dict[OrderId, tuple[float, bool]] = {}
    leased: list[Lease] = []
    contested: list[bool] = []
    now, passages = 0.0, 0
    for move, seconds, again in steps:
        now += seconds
        if move == "plan":
            passages += 1
            plan(queue, passages, slots=2, now=now)
            ready |= {order.id: (now, True) for order in orders(passage(passages), 2)}
        elif move == "release":
            queue.release("c", now)
            ready |= {lease.order.id: (now, lease.attempt == 1) for lease in leased}
            leased = []
        elif ready:
            both = len({fresh for _, fresh in ready.values()}) == 2
            lease = one_lease(queue, now)
            since, fresh = ready.pop(lease.order.id)
            assert fresh == (lease.attempt == 1)
            assert all(since <= other for other, kind in ready.values() if kind == fresh)
            if both:
                contested.append(fresh)
            if again:
                queue.settle(rejected(lease), now)
                ready[lease.order.id] = (now, False)
            else:
                leased.append(lease)
    for end in range(len(contested) + 1):
        assert abs(sum(contested[:end]) - share * end) < 1 + 1e-9
    queue.check()


def test_first_attempts_of_a_passage_go_together_and_end_apart() -> None:
    """Five orders by threes: one lease of three, one of two, no passage mixed in; a repair's lease holds one alone, and
    a dead conductor's come back together. `limit` parts nothing that goes together."""
    queue = make(QueueLimits(max_attempts=3, lease_s=60, fresh_share=0.25, together=3))
    plan(queue, 1, slots=5)
    plan(queue, 2, slots=1)
    first, second, other = queue.lease(0, "c", 6)
    assert [[order.slot for order in lease.orders] for lease in (first, second, other)] == [[0, 1, 2], [3, 4], [0]]
    assert queue.depth().leased == 6
    one, *rest = first.apart()
    settled, _ = queue.settle(rejected(one), 1)
    assert settled == Recorded(one.order.id)
    assert queue.release("c", 2) == 5
    again = queue.lease(3, "d", 2)
    assert [(lease.attempt, [order.id for order in lease.orders]) for lease in again] == [
        (2, [one.order.id]),
        (1, [*(lease.order.id for lease in rest), second.order.id]),
    ]
    queue.check()
