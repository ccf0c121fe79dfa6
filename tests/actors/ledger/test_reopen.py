"""Dead letters that come back: which ones, what they take along, and what every fold makes of it."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.counts.tally import Tally
from actors.ledger.history import life_of
from actors.ledger.reopen import ReplayRequest, Terms, dead_letters, reopened
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.report.facts import ReportFold
from actors.report.paths import Paths
from schemas.errors import LedgerError
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rejoined, Reopened, Rescored
from schemas.orders import DeadLetter, Duplicate, EndReason, Requeue
from schemas.recovery import Choice, Modes, Repair, Repairs
from schemas.verdicts import REWARD, Rejected
from tests.doubles.attempts import REPAIR, accepted, given_up, orders, passage, rejected
from tests.doubles.ledgers import MemoryLedger, Scale, plausible_run
from tests.doubles.replays import POOLS, put_back, replayed

LIMITS = QueueLimits(max_attempts=2, lease_s=60, fresh_share=0.25)
END = (AcceptedEnd, DeadLetteredEnd)


class Run:
    """A queue and what it has recorded, to be thrown away and replayed."""

    def __init__(self, slots: int) -> None:
        self.records: list[Record] = []
        self.queue = self.replayed()
        one = passage(1)
        planned = self.queue.plan(one, orders(one, slots), 0)
        assert planned is not None
        self.records.append(planned)

    def replayed(self) -> RegenerationQueue:
        queue = RegenerationQueue(LIMITS, lambda a, b: 1.0 if a.question == b.question else 0.0)
        for record in self.records:
            queue.replay(record)
        queue.check()
        return queue

    def settle(self, make, *arguments: str):  # type: ignore[no-untyped-def]
        (lease,) = self.queue.lease(0, "c", 1)
        settlement, record = self.queue.settle(make(lease, *arguments), 1)
        if record is not None:
            self.records.append(record)
        return lease, settlement, record

    def put_back(self, wanted: ReplayRequest = ReplayRequest()) -> list[Reopened]:  # noqa: B008
        """A replay between two runs."""
        back = put_back(self.records, at=10, wanted=wanted)
        self.records += back
        self.queue = self.replayed()
        return back


def test_a_dead_letter_comes_back_with_its_history_and_a_fresh_budget() -> None:
    """Two of two attempts were rejected; put back, it is at attempt 3, under the last repair chosen, and may fail
    twice again before it ends."""
    run = Run(1)
    run.settle(rejected)
    _, _, end = run.settle(rejected)
    assert isinstance(end, DeadLetteredEnd)
    (back,) = run.put_back()
    assert (back.attempts_before, back.end, back.repair, back.times) == (2, end.end, REPAIR, 1)
    lease, _, again = run.settle(rejected)
    assert (lease.attempt, lease.charged, lease.attempts_before) == (3, 1, 2)
    assert [past.mode for past in lease.history] == ["parametric", "parametric"]
    assert isinstance(again, Rejoined)
    lease, _, end = run.settle(rejected)
    assert lease.attempt == 4
    assert isinstance(end, DeadLetteredEnd)
    assert end.end.detail == "all 2 attempts were rejected"
    assert run.put_back()[0].times == 2


def test_replaying_twice_puts_nothing_back_twice() -> None:
    """The order is outstanding now: there is no dead letter to put back."""
    run = Run(2)
    run.settle(given_up)
    assert len(run.put_back()) == 1
    assert run.put_back() == []
    assert (run.queue.issued, run.queue.dead_lettered, run.queue.outstanding) == (2, 0, 2)


def test_an_accepted_order_never_comes_back() -> None:
    """Accepted at once, or after a replay: it is no dead letter, and the planner refuses one made up."""
    run = Run(2)
    run.settle(accepted, "One?")
    run.settle(given_up)
    back = run.put_back()
    run.settle(accepted, "Two?")
    assert run.put_back() == []
    ledger = MemoryLedger(run.records)
    (found,) = dead_letters(MemoryLedger(run.records[:3]), ReplayRequest())
    forged = replace(found, life=life_of(found.end.order_id, ledger.story(found.end.order_id)))
    with pytest.raises(LedgerError, match="accepted"):
        reopened(forged, ledger, Terms(0.0, POOLS))
    with pytest.raises(LedgerError, match="no dead letter"):
        run.queue.replay(back[0])


def test_an_order_that_is_outstanding_is_not_put_back_by_a_damaged_ledger() -> None:
    """The same record twice: replay says which order instead of issuing it twice."""
    run = Run(1)
    run.settle(given_up)
    (back,) = run.put_back()
    with pytest.raises(LedgerError, match=f"puts back order {back.order_id}"):
        run.queue.replay(back)


def test_it_does_not_ask_what_its_passage_was_asked_before() -> None:
    """Its sibling was accepted and forgotten; put back, the order may not be accepted with the same question."""
    run = Run(2)
    run.settle(accepted, "When?")
    run.settle(given_up)
    run.put_back()
    _, settlement, record = run.settle(accepted, "When?")
    assert isinstance(settlement, Duplicate)
    assert record is None


def test_what_is_accepted_by_its_scores_takes_no_attempt_and_may_not_be_repeated() -> None:
    """Its end is undone and it is accepted, in one transaction; every fold counts no cost and no attempt for it. Its
    open sibling may not ask the same question. Without the record before it the ledger is refused."""
    run = Run(2)
    (lease, _, end) = run.settle(given_up)
    assert isinstance(end, DeadLetteredEnd) and end.attempt is not None
    spent, attempts = run.queue.spent, len(run.records)
    rescored = Rescored(10, lease.order.id, end.attempt)
    with pytest.raises(LedgerError, match="not outstanding"):
        run.replayed().replay(rescored)
    run.records += [*put_back(run.records, at=10), rescored]
    run.queue = run.replayed()
    assert (run.queue.accepted, run.queue.dead_lettered, run.queue.outstanding) == (1, 0, 1)
    tally = Tally()
    for record in run.records:
        tally.apply(record)
    counts = tally.summary().counts
    assert (counts.accepted, counts.reopened, counts.outstanding, counts.attempts) == (1, 1, 1, attempts - 1)
    assert (counts.first_pass, counts.recovered) == (0, 0)
    assert run.queue.spent == spent == tally.tokens
    assert end.attempt.candidate is not None and end.attempt.candidate.draft is not None
    _, settlement, record = run.settle(accepted, end.attempt.candidate.draft.question)
    assert isinstance(settlement, Duplicate) and record is None


def test_wanted_by_reason_and_by_the_last_diagnosis() -> None:
    """`--reason engine_error` takes the errors alone, `--mode parametric` those last diagnosed so, both both."""
    records = list(plausible_run(7, Scale(passages=60)))
    dead = {letter.end.order_id: letter for letter in dead_letters(MemoryLedger(records), ReplayRequest())}
    ends = {record.order_id: record for record in records if isinstance(record, DeadLetteredEnd)}
    assert dead.keys() == ends.keys()
    for reason in EndReason:
        some = {back.order_id for back in put_back(records, at=0, wanted=ReplayRequest(reasons=frozenset({reason})))}
        assert some == {order for order, end in ends.items() if end.end.reason is reason}
    modes = {letter.mode for letter in dead.values() if letter.mode is not None}
    assert len(modes) > 2
    for mode in modes:
        both = ReplayRequest(frozenset({EndReason.REJECTED}), frozenset({mode}))
        some = {back.order_id for back in put_back(records, at=0, wanted=both)}
        rejections = {order for order, end in ends.items() if end.end.reason is EndReason.REJECTED}
        assert some == {order for order in rejections if dead[order].mode == mode}


def test_a_repair_that_needs_a_pool_that_is_gone_is_left_out() -> None:
    """The changed configuration has no stronger pool any more: the order starts afresh instead of failing in it."""
    run = Run(1)
    away = Repair(Repairs.ESCALATE, 0.3, pool=next(iter(POOLS)))

    def escalated(lease):  # type: ignore[no-untyped-def]
        outcome = rejected(lease)
        attempt = replace(outcome.attempt, choice=Choice("rules", away))
        return replace(outcome, attempt=attempt, decision=Requeue(away))

    run.settle(escalated)
    run.settle(given_up)
    ledger = MemoryLedger(run.records)
    (found,) = dead_letters(ledger, ReplayRequest())
    last = [attempt.choice.repair for attempt in found.life.attempts if attempt.choice]
    assert last[0] == away
    escalating = replace(found, life=replace(found.life, attempts=found.life.attempts[:1]))
    assert reopened(escalating, ledger, Terms(0.0, POOLS)).repair == away
    assert reopened(escalating, ledger, Terms(0.0, frozenset())).repair is None


def test_a_life_tells_both_lives() -> None:
    """`gleaner explain`: the attempts of both, where the first ended and why, and that it is accepted now."""
    run = Run(1)
    run.settle(rejected)
    _, _, end = run.settle(given_up)
    (back,) = run.put_back()
    assert isinstance(end, DeadLetteredEnd)
    life = life_of(back.order_id, MemoryLedger(run.records).story(back.order_id))
    assert (life.end, life.accepted_at) == (None, None)
    run.settle(accepted)
    life = life_of(back.order_id, MemoryLedger(run.records).story(back.order_id))
    assert [attempt.number for attempt in life.attempts] == [1, 2, 3]
    assert [(put.attempts_before, put.end) for put in life.put_back] == [(2, end.end)]
    assert (life.end, life.accepted_at) == (None, 1)


RUNS = st.builds(
    lambda seed, rounds: replayed(list(plausible_run(seed, Scale(passages=12))), Random(seed), rounds=rounds),
    st.integers(0, 2**20),
    st.integers(1, 3),
)


@given(run=RUNS, cut=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_any_prefix_folds_to_the_same_state_everywhere(run: list[Record], cut: float) -> None:
    """Looked at in any moment of lives and replays: queue, counts and paths agree, and nothing is lost or twice."""
    records = run[: round(cut * len(run))]
    queue = RegenerationQueue(QueueLimits(4, 60, 0.25), lambda a, b: 0.0)
    tally, paths = Tally(), Paths()
    for record in records:
        queue.replay(record)
        tally.apply(record)
        paths.apply(record)
    queue.check()
    counts = tally.summary().counts
    assert (counts.issued, counts.accepted, counts.dead_lettered, counts.outstanding) == (
        queue.issued,
        queue.accepted,
        queue.dead_lettered,
        queue.outstanding,
    )
    state = naive(records)
    assert sorted(lease.order.id for lease in queue.lease(1e12, "c", 10_000)) == sorted(state["outstanding"])
    assert (counts.accepted, counts.dead_lettered) == (len(state["accepted"]), len(state["dead"]))
    assert sum(end.orders for end in tally.summary().ends) == counts.dead_lettered
    assert min((end.orders for end in tally.summary().ends), default=1) > 0
    everything = paths.full()
    assert min(everything.values(), default=0) >= 0
    assert sum(everything.values()) == counts.issued
    ends = {end: sum(n for path, n in everything.items() if path[-1] == end) for end in PATH_ENDS}
    assert ends["dead_lettered"] == counts.dead_lettered
    assert ends["outstanding"] == counts.outstanding
    assert (ends["first_pass"], ends["recovered"]) == (counts.first_pass, counts.recovered)
    assert sum(n for path, n in everything.items() if path[1] == "rejected") == counts.rejected


@given(run=RUNS)
@settings(max_examples=30, deadline=None)
def test_where_everything_came_back_no_path_ends_dead(run: list[Record]) -> None:
    """The ends that a replay undoes are taken from the very paths that they were counted in, whatever came before."""
    paths = Paths()
    for record in [*run, *put_back(run, at=run[-1].at + 1)]:
        paths.apply(record)
    assert {path: number for path, number in paths.full().items() if path[-1] == "dead_lettered" and number} == {}


PATH_ENDS = ("first_pass", "put_back", "recovered", "dead_lettered", "outstanding")


def naive(records: list[Record]) -> dict[str, set[OrderId]]:
    """Where each order is, by its last record alone."""
    last: dict[OrderId, str] = {}
    for record in records:
        match record:
            case Planned():
                last |= dict.fromkeys((order.id for order in record.orders), "outstanding")
            case Reopened():
                last[record.order_id] = "outstanding"
            case AcceptedEnd():
                last[record.order_id] = "accepted"
            case DeadLetteredEnd():
                last[record.order_id] = "dead"
            case _:
                pass
    states = ("outstanding", "accepted", "dead")
    return {state: {order for order, at in last.items() if at == state} for state in states}


@given(run=RUNS)
@settings(max_examples=15, deadline=None)
def test_the_report_shows_only_dead_letters_as_dead_letters(run: list[Record]) -> None:
    """Examples of dead letters are dead letters, and the time between the run and its replay is no run time."""
    facts = ReportFold(seed=0)
    for record in run:
        facts.apply(record)
    state = naive(run)
    assert set(facts.examples("dead_lettered")) <= state["dead"]
    assert facts.clock.seconds < 1000


def test_an_error_that_is_mended_is_no_recovery() -> None:
    """The engine was down; put back, the order is accepted at its first judged attempt: nothing had been rejected."""
    run = Run(1)

    def failed(lease):  # type: ignore[no-untyped-def]
        outcome = given_up(lease)
        attempt = replace(outcome.attempt, verdicts=(), diagnosis=None, choice=None)
        return replace(outcome, attempt=attempt, decision=DeadLetter(EndReason.ENGINE_ERROR, "timed out"))

    run.settle(failed)
    (back,) = run.put_back()
    assert (back.rejected, back.repair) == (False, None)
    run.settle(accepted)
    tally = Tally()
    for record in run.records:
        tally.apply(record)
    counts = tally.summary().counts
    assert (counts.accepted, counts.recovered, counts.rejected, counts.reopened) == (1, 0, 0, 1)
    assert tally.summary().ends == ()


def test_a_second_life_is_credited_to_the_diagnosis_before_it() -> None:
    """The repair that the first life's diagnosis chose is tried in the second: it counts as tried, and as accepted."""
    run = Run(1)
    run.settle(rejected)
    run.settle(given_up)
    run.put_back()
    run.settle(accepted)
    tally = Tally()
    for record in run.records:
        tally.apply(record)
    (stat,) = tally.summary().repairs
    assert (stat.mode, stat.repair, stat.tried, stat.accepted) == (
        Modes.PARAMETRIC,
        Repairs.STRICT_GROUNDING,
        2,
        1,
    )
    assert (tally.summary().counts.rejected, tally.summary().counts.recovered) == (1, 1)


def test_the_runs_used_here_have_every_kind_of_second_life() -> None:
    """Accepted, dead again, outstanding, put back again; or these tests prove little."""
    run = replayed(list(plausible_run(3, Scale(passages=80))), Random(3), rounds=3)
    back = [record for record in run if isinstance(record, Reopened)]
    assert max(record.times for record in back) == 3
    assert {record.rejected for record in back} == {True, False}
    assert {record.first_repair is None for record in back} == {True, False}
    state = naive(run)
    ids = {record.order_id for record in back}
    assert all(state[each] & ids for each in ("accepted", "dead", "outstanding"))
    assert any(isinstance(said, Rejected) and said.gate == REWARD for said in _verdicts(run))


def _verdicts(run: list[Record]) -> list[object]:
    return [said for record in run if isinstance(record, END) and record.attempt for said in record.attempt.verdicts]
