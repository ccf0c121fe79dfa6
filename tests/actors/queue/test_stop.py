"""`stop.accepted`: exactly so many accepted samples whatever dies, and little that is spent beyond them."""

from collections import Counter

import pytest
from msgspec.structs import replace

from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.counts.tally import Tally
from actors.counts.together import together
from actors.queue.parts import are_enough, parts
from actors.queue.plan import StopTerms
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, NotNeededEnd, PlanEnded, Planned, Record, Rejoined
from schemas.progress import Counts
from schemas.queue_shard import ShardStanding
from schemas.stop import WHOLE, PlanEnd, Quotas
from schemas.until_dry import UntilDry
from tests.doubles.attempts import TOKENS_PER_ATTEMPT
from tests.doubles.stopping import Habits, StoppingRun

NO_DEATHS, DEATHS = Habits(), Habits(dies=0.06)


def counts_of(run: StoppingRun) -> Counts:
    """The run's counts; on the way, the proof of each ledger."""
    summaries = []
    for queue in run.queues:
        findings, tally = Findings(), Tally()
        read_book(enumerate(queue.kept, 1), findings, queue.shard)
        assert findings.kept == []
        queue.queue.check()
        for record in queue.kept:
            tally.apply(record)
        summaries.append(tally.summary())
    return together(summaries).counts


def beyond_need(records: list[Record]) -> tuple[int, int]:
    """Tokens of all attempts of orders that were not needed, and of all attempts."""
    tokens: Counter[OrderId] = Counter()
    needless: set[OrderId] = set()
    for record in records:
        attempt = getattr(record, "attempt", None)
        if attempt is not None and not isinstance(attempt, int):
            tokens[record.order_id] += TOKENS_PER_ATTEMPT  # pyright: ignore[reportAttributeAccessIssue]
        if isinstance(record, NotNeededEnd):
            needless.add(record.order_id)
    return sum(tokens[order] for order in needless), tokens.total()


@pytest.mark.parametrize("seed", range(10))
def test_exactly_a_thousand_whatever_dies(seed: int) -> None:
    """Queue, conductors or the whole run die again and again, in the middle of commits and after the last sample."""
    run = StoppingRun(seed, StopTerms(accepted=1000), DEATHS)
    run.run()
    counts = counts_of(run)
    assert (counts.accepted, counts.outstanding) == (1000, 0)
    starts = sum(type(record).__name__ == "RunStarted" for record in run.records())
    assert starts > 1, "nothing died"
    assert counts.issued == 1000 + counts.dead_lettered + counts.not_needed


@pytest.mark.parametrize("accepts", [0.2, 0.55, 0.95])
def test_little_is_spent_beyond_need(accepts: float) -> None:
    """With 256 in flight and a thousand to come, whatever the acceptance is."""
    run = StoppingRun(7, StopTerms(accepted=1000), Habits(accepts=accepts))
    run.run()
    counts = counts_of(run)
    needless, spent = beyond_need(run.records())
    assert (counts.accepted, counts.outstanding) == (1000, 0)
    assert needless <= 0.03 * spent, f"{needless / spent:.1%}"


def test_no_more_is_planned_than_is_wanted() -> None:
    """A corpus of thousands of passages is read as far as the measured acceptance demands, and no further."""
    run = StoppingRun(1, StopTerms(accepted=50), NO_DEATHS)
    run.run()
    counts = counts_of(run)
    assert counts.accepted == 50
    assert counts.not_needed <= 25
    assert sum(isinstance(record, Planned) for record in run.records()) < 50


@pytest.mark.parametrize(("seed", "together"), [(0, 1), (1, 3), (2, 3)])
def test_several_queues_come_to_the_number_together(seed: int, together: int) -> None:
    """Each has a part; whichever dies gets its part again, also if a completion is of several orders."""
    run = StoppingRun(seed, StopTerms(accepted=500), replace(DEATHS, together=together), queues=3)
    run.run()
    counts = counts_of(run)
    assert (counts.accepted, counts.outstanding) == (500, 0)
    assert all(isinstance(queue.kept[-1], PlanEnded | NotNeededEnd) for queue in run.queues)


@pytest.mark.parametrize(("seed", "queues"), [(0, 1), (2, 3)])
def test_exact_where_passages_go_on_until_they_are_dry(seed: int, queues: int) -> None:
    """Whatever dies, each plan is what its passage had given by then asks for (`counts_of` proves it)."""
    habits = Habits(accepts=0.4, repairs=0.3, dies=0.06, in_flight=64, slots=UntilDry(at_most=8, patience=2))
    run = StoppingRun(seed, StopTerms(accepted=120), habits, queues=queues)
    run.run()
    counts = counts_of(run)
    assert (counts.accepted, counts.outstanding) == (120, 0)
    assert any(isinstance(record, Planned) and record.follows for record in run.records())


def test_a_candidate_budget_ends_a_run_short_of_its_samples() -> None:
    """`stop: {accepted: 1000, orders: 100}`: what is issued goes on to its end, and nothing is issued beyond."""
    run = StoppingRun(3, StopTerms(accepted=1000, orders=100), Habits(accepts=0.3))
    run.run()
    counts = counts_of(run)
    assert counts.issued == 99, "passages are planned whole"
    assert (counts.not_needed, counts.outstanding) == (0, 0)
    assert [record.why for record in run.records() if isinstance(record, PlanEnded)] == [PlanEnd.ORDERS]


def test_what_is_in_flight_at_the_last_sample_is_not_needed() -> None:
    """Its cost is counted, and it is in no yield."""
    run = StoppingRun(2, StopTerms(accepted=300), NO_DEATHS)
    run.run()
    last = max(number for number, record in enumerate(run.records()) if isinstance(record, AcceptedEnd))
    after = run.records()[last + 1 :]
    assert isinstance(after[0], PlanEnded)
    assert not any(isinstance(record, AcceptedEnd | Rejoined | Planned) for record in after)
    counts = counts_of(run)
    assert counts.yield_ == 300 / (counts.issued - counts.not_needed)


QUOTAS = Quotas("level", {"easy": 120, "hard": 60})


def accepted_of(run: StoppingRun) -> Counter[str]:
    """The accepted samples of each stratum, from the records alone."""
    planned = [record for record in run.records() if isinstance(record, Planned)]
    level = {order.id: order.vary["level"] for record in planned for order in record.orders}
    return Counter(level[record.order_id] for record in run.records() if isinstance(record, AcceptedEnd))


@pytest.mark.parametrize(("seed", "queues"), [(0, 1), (2, 1), (3, 3), (4, 3)])
def test_exactly_so_many_of_each_stratum_whatever_dies(seed: int, queues: int) -> None:
    """Though hard ones are a fifth of the orders, and a tenth is of no use at all."""
    run = StoppingRun(seed, StopTerms(quotas=QUOTAS), DEATHS, queues=queues)
    run.run()
    counts = counts_of(run)
    assert accepted_of(run) == QUOTAS.each
    assert (counts.accepted, counts.outstanding) == (180, 0)
    assert sum(queue.lives for queue in run.queues) > queues, "nothing died"


def test_little_is_spent_beyond_the_need_of_a_stratum() -> None:
    """What a stratum is issued beyond its quota ends as not needed, most of it before anything is spent."""
    run = StoppingRun(7, StopTerms(quotas=QUOTAS), NO_DEATHS)
    run.run()
    counts, (needless, spent) = counts_of(run), beyond_need(run.records())
    assert accepted_of(run) == QUOTAS.each and counts.not_needed > 100
    assert needless <= 0.1 * spent, f"{needless / spent:.1%}"


@pytest.mark.parametrize("queues", [1, 3])
def test_a_full_stratum_does_not_fill_the_queue(queues: int) -> None:
    """Orders of a stratum that is complete make room for those of another, however few fit at once."""
    stop, habits = StopTerms(quotas=Quotas("level", {"easy": 4, "odd": 30})), Habits(in_flight=64)
    run = StoppingRun(5, stop, habits, queues=queues, capacity=20)
    run.run()
    assert accepted_of(run) == {"easy": 4, "odd": 30}


def standing(accepted: int, most: int | None, *, able: bool = True, outstanding: int = 0) -> ShardStanding:
    told, makes = None if most is None else {WHOLE: most}, frozenset([WHOLE] if able else [])
    return ShardStanding({WHOLE: accepted}, told, makes, {WHOLE: 100}, outstanding={WHOLE: outstanding})


def divided(standings: list[ShardStanding]) -> list[int]:
    return [part.most[WHOLE] for part in parts(standings)]


def test_parts_never_add_up_to_more_than_the_run_is_to_have() -> None:
    """What one cannot make is taken from it first, and given to the others when that is known to hold."""
    assert divided([standing(10, None), standing(0, None)]) == [55, 45]
    assert divided([standing(55, 55), standing(20, 45, outstanding=25)]) == [55, 45]
    assert divided([standing(55, 55), standing(20, 45, able=False)]) == [55, 20]
    assert divided([standing(55, 55), standing(20, 20, able=False)]) == [80, 20]
    assert divided([standing(55, 55, able=False), standing(20, 45, able=False)]) == [55, 45]
    assert divided([standing(120, None), standing(0, None)]) == [120, 0]
    assert are_enough([standing(80, 80), standing(20, 20)])
    assert not are_enough([standing(79, 80), standing(20, 20)])


def test_a_queue_that_gave_its_part_gets_one_when_it_is_offered_passages() -> None:
    """At the start the reader comes to one queue before the other, which seems to have nothing to make; when it comes
    there, it waits for room, and the first gets no more passages."""
    both = [standing(0, 50, outstanding=30), standing(0, 50, able=False)]
    assert divided(both) == [50, 0]
    assert divided([standing(0, 50, outstanding=30), standing(0, 0, able=False)]) == [100, 0]
    assert divided([standing(40, 100, outstanding=20), standing(0, 0)]) == [80, 0]
    assert divided([standing(40, 80, outstanding=20), standing(0, 0)]) == [80, 20]
    assert divided([standing(99, 100, outstanding=1), standing(0, 0)]) == [100, 0]  # it is being made
    assert divided([standing(99, 100), standing(0, 0)]) == [99, 0]
    assert divided([standing(99, 99), standing(0, 0)]) == [100, 0]


def test_a_stratum_is_divided_by_itself() -> None:
    """A queue that has no more orders of it gives its part, though it goes on with others."""
    run = {"easy": 10, "hard": 6}
    one = ShardStanding({"easy": 5}, {"easy": 5, "hard": 3}, frozenset(["hard"]), run, outstanding={"hard": 3})
    other = ShardStanding({"easy": 2, "hard": 3}, {"easy": 5, "hard": 3}, frozenset(run), run)
    assert [part.most for part in parts([one, other])] == [{"easy": 5, "hard": 3}, {"easy": 5, "hard": 3}]
    short = ShardStanding({"easy": 4}, {"easy": 5, "hard": 3}, frozenset(["hard"]), run, outstanding={"hard": 3})
    assert [part.most["easy"] for part in parts([short, other])] == [4, 5]  # given to the other in a later step
    full = ShardStanding({"easy": 5, "hard": 3}, {"easy": 5, "hard": 3}, frozenset(), run)
    assert [part.over for part in parts([one, full])] == [frozenset(["easy"])] * 2
    assert not are_enough([one, full])
