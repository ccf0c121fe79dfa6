"""Durations and scores in buckets: counted once where they end, the same again from the ledger."""

from bisect import bisect_left

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.counts.distributions import Buckets
from actors.counts.tally import Tally
from schemas.distributions import SECONDS, AttemptEnd, Distribution, QueueTurn
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Rejoined
from schemas.orders import Attempt, DeadLetter, EndReason
from schemas.samples import Cost
from schemas.verdicts import PROVENANCE, REWARD, Passed, Rejected
from tests.doubles.attempts import REPAIR, candidate, orders, passage
from tests.doubles.ledgers import Scale, plausible_run

ONE = passage(1)
(ORDER,) = orders(ONE, 1)


def bucket(seconds: float) -> int:
    return bisect_left(SECONDS, seconds)


def only(seconds: float) -> Distribution:
    """One value."""
    counts = [0] * (len(SECONDS) + 1)
    counts[bucket(seconds)] = 1
    return Distribution(tuple(counts), seconds)


@given(st.lists(st.floats(0, 1e5), max_size=50))
def test_every_value_is_in_the_first_bucket_that_reaches_it(values: list[float]) -> None:
    """A value on a bound belongs to that bound, as Prometheus' `le` says; what is above all of them is counted too."""
    buckets = Buckets(SECONDS)
    for value in values:
        buckets.add(value)
    told = buckets.distribution()
    assert told.count == len(values)
    for index, bound in enumerate(SECONDS):
        assert sum(told.counts[: index + 1]) == sum(value <= bound for value in values)


def test_waiting_begins_when_an_order_could_be_worked_on() -> None:
    """Planned at 10, begun at 12, rejected at 15, begun again at 22: it waited 2 s fresh, 7 s as a repair."""
    tally = Tally()
    first = Attempt(1, None, candidate("What?"), (Rejected(REWARD, 0.1, 0.5),), started_at=12.0, seconds=3.0)
    again = replace(first, number=2, repair=REPAIR, verdicts=(Passed(REWARD, 0.9, 0.5),), started_at=22.0)
    for record in (
        Planned(10.0, ONE, (ORDER,)),
        Rejoined(15.0, ORDER.id, first),
        AcceptedEnd(25.0, ORDER.id, again),
    ):
        tally.apply(record)
    told = tally.distributions()
    assert told.queued == {QueueTurn.FRESH: only(2.0), QueueTurn.REPAIR: only(7.0)}
    assert told.attempts[AttemptEnd.REJECTED] == told.attempts[AttemptEnd.ACCEPTED] == only(3.0)
    assert told.orders[AttemptEnd.ACCEPTED] == only(15.0)


def test_a_call_is_counted_for_who_answered_it() -> None:
    """The reward gate took 0.2 s, the generator 0.1 s; provenance needs no model and is not timed, only scored."""
    tally = Tally()
    grounded = Passed(PROVENANCE, 1.0, 1.0)
    poor = Rejected(REWARD, 0.25, 0.5, cost=Cost(seconds=0.2))
    attempt = Attempt(1, None, candidate("What?"), (grounded, poor), started_at=1.0, seconds=0.4)
    tally.apply(Planned(1.0, ONE, (ORDER,)))
    tally.apply(DeadLetteredEnd(2.0, ORDER.id, attempt, DeadLetter(EndReason.REJECTED)))
    told = tally.distributions()
    assert told.calls == {"generator": only(0.1), "reward": only(0.2)}
    assert {gate: scores.total for gate, scores in told.scores.items()} == {
        PROVENANCE: 1.0,
        REWARD: 0.25,
    }


def test_a_clock_that_steps_back_is_no_negative_time() -> None:
    """The machine's clock is set back between plan and attempt: a wait of nothing, not of less."""
    tally = Tally()
    attempt = Attempt(1, None, None, started_at=5.0, seconds=0.0)
    tally.apply(Planned(10.0, ONE, (ORDER,)))
    tally.apply(DeadLetteredEnd(6.0, ORDER.id, attempt, DeadLetter(EndReason.ENGINE_ERROR)))
    told = tally.distributions()
    assert told.queued[QueueTurn.FRESH] == only(0.0)
    assert told.orders[AttemptEnd.ERRORED] == only(0.0)


@given(seed=st.integers(0, 2**20), cut=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_a_run_that_is_resumed_counts_on_where_it_was(seed: int, cut: float) -> None:
    """The queue's process dies anywhere and replays its ledger: the same buckets as if it had lived."""
    records = list(plausible_run(seed, Scale(passages=10)))
    lived, died = Tally(), Tally()
    for record in records[: round(cut * len(records))]:
        died.apply(record)
    told = died.distributions()
    for record in records:
        lived.apply(record)
    for end in AttemptEnd:
        later, before = lived.distributions().attempts[end].counts, told.attempts[end].counts
        assert all(now >= then for now, then in zip(later, before, strict=True))
    assert sum(each.count for each in told.attempts.values()) == died.summary().counts.attempts
