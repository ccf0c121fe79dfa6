"""What a run will come to, and what recovery saved."""

from random import Random

import pytest
from msgspec.structs import replace

from actors.counts.outlook import outlook, outlook_words, saving, saving_words
from schemas.distributions import AttemptEnd
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Record, Rejoined
from schemas.orders import DeadLetter, EndReason
from schemas.outlook import Cohort, Estimated
from schemas.progress import Counts, RepairStat, Spent, Summary
from schemas.recovery import Modes, RepairKind
from schemas.samples import Cost
from schemas.verdicts import FAITHFULNESS, Passed
from tests.actors.counts.records import FAITHFUL, GOOD, POOR, counted, first, planned, repaired
from tests.doubles.attempts import orders, passage

REJECTED = DeadLetter(EndReason.REJECTED)
DEAR = Passed(FAITHFULNESS, 0.9, 0.5, cost=Cost(prompt_tokens=1_000))


def test_the_cohort_is_what_was_issued_first_and_has_ended() -> None:
    """The third order is accepted at once; the first comes back twice: until it ends, nothing is said of the third."""
    plan, (slow, dead, quick, gone) = planned(4)
    known: list[Record] = [
        plan,
        AcceptedEnd(2.0, quick.id, first(FAITHFUL, GOOD)),
        Rejoined(2.0, slow.id, first(FAITHFUL, POOR)),
        DeadLetteredEnd(2.0, dead.id, first(FAITHFUL, POOR), REJECTED),
    ]
    assert counted(known).cohort == Cohort()
    known.append(NotNeededEnd(3.0, gone.id))
    known.append(AcceptedEnd(3.0, slow.id, repaired(FAITHFUL, GOOD)))
    cohort = counted(known).cohort
    one = counted([planned(1)[0], AcceptedEnd(2.0, planned(1)[1][0].id, first(FAITHFUL, GOOD))]).cohort.tokens
    assert (cohort.orders, cohort.accepted, cohort.tokens) == (3, 2, 4 * one)
    assert cohort.squares == (2 * one) ** 2 + 2 * one**2


def test_an_order_that_waits_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample waits for its credit for hours while all others go on."""
    monkeypatch.setattr("actors.counts.cohort.OVERTAKEN", 100)
    made = [(each, orders(each, 1)[0]) for each in map(passage, range(102))]
    known: list[Record] = [Planned(1.0, each, (order,)) for each, order in made]
    known += [AcceptedEnd(2.0, order.id, first(FAITHFUL, GOOD)) for _, order in made[1:]]
    assert counted(known[:-1]).cohort.orders == 0
    assert counted(known).cohort.orders == 101


def seen_half_way(random: Random, total: int = 400) -> tuple[Summary, int, int]:
    """A run of which half has ended; rejected orders take longer and more tokens. Then what comes of it."""
    plan, made = planned(total)
    good = [random.random() < 0.6 for _ in made]
    ends = sorted(range(total), key=lambda at: (at / 20 + random.expovariate(1)) + (0.0 if good[at] else 2.0))
    records: list[Record] = []
    for at in ends:
        verdict = FAITHFUL if good[at] else DEAR
        attempt = first(verdict, GOOD)
        order = made[at].id
        records.append(AcceptedEnd(2.0, order, attempt) if good[at] else DeadLetteredEnd(2.0, order, attempt, REJECTED))
    summary = counted([plan, *records[: total // 2]])
    whole = counted([plan, *records])
    return replace(summary, all_planned=True), whole.counts.accepted, whole.tokens


def test_the_interval_holds_what_comes_of_it() -> None:
    """95% of runs whose bad orders are late: what has ended half way is too good to go by, the first orders are not."""
    random, held, held_tokens, naive = Random(4), 0, 0, 0.0
    runs = 60
    for _ in range(runs):
        summary, accepted, tokens = seen_half_way(random)
        found = outlook(summary)
        assert found is not None
        held += found.accepted.low <= accepted <= found.accepted.high
        held_tokens += found.tokens.low <= tokens <= found.tokens.high
        naive += summary.counts.issued * summary.counts.accepted / summary.counts.ended - accepted
    assert 0.9 * runs <= held <= runs and 0.9 * runs <= held_tokens <= runs
    assert naive / runs > 5, "the world has no late orders: the test would show nothing"


def test_a_run_that_ends_at_a_number_of_samples() -> None:
    """It has them in the end; what is reckoned is how many tokens that takes."""
    cohort = Cohort(orders=100, accepted=50, tokens=100_000, squares=100 * 1_000.0**2)
    summary = Summary(Counts(issued=200, accepted=60, dead_lettered=60, outstanding=80), cohort=cohort)
    assert outlook(summary) is None
    found = outlook(summary, wanted=100)
    assert found is not None and found.accepted == Estimated(100, 100, 100)
    assert found.tokens.value == pytest.approx(200_000, rel=0.02)
    assert found.tokens.low < 180_000 < 220_000 < found.tokens.high
    assert outlook_words(found).startswith("accepted, 200 k tokens (152–")
    assert outlook(summary, wanted=60) is None


def test_nothing_is_said_too_early_or_too_late() -> None:
    """Of ten orders nothing follows, and a run that is over needs no outlook."""
    few = Summary(Counts(issued=200, outstanding=190), cohort=Cohort(10, 5, 10_000), all_planned=True)
    assert outlook(few) is None and outlook_words(None) == ""
    over = Summary(Counts(issued=200, accepted=200), cohort=Cohort(200, 200, 10_000), all_planned=True)
    assert outlook(over) is None


def recovered(repair_tokens: int) -> Summary:
    """100 first attempts for 100,000 tokens gave 50 samples, 50 repairs 40 more; probes and late reports cost too."""
    row = RepairStat(Modes.PARAMETRIC, RepairKind("edit"), tried=50, accepted=40, tokens=repair_tokens)
    paid = {"generator": 100_000 + repair_tokens, "probe": 50_000, "stale": 1_000}
    return Summary(
        Counts(issued=100, accepted=90, first_pass=50, dead_lettered=10),
        repairs=(row,),
        spent=tuple(Spent(role, AttemptEnd.REJECTED, 1, tokens, 0, 1.0) for role, tokens in paid.items()),
    )


def test_what_recovery_saved() -> None:
    """A sample took 150,000 / 90 tokens; by first attempts alone it takes 100,000 / 50."""
    found = saving(recovered(50_000))
    assert found is not None and (found.recovering, found.discarding) == (150_000 / 90, 2_000.0)
    assert found.share.value == pytest.approx(1 - 150 / 90 / 2)
    assert found.share.low < found.share.value < found.share.high
    assert saving_words(found).startswith(
        "an accepted sample took 1,667 tokens; by first attempts alone, each rejected draft thrown away, 2,000: 17% sa"
    )


def test_a_recovery_that_does_not_pay_is_told_too() -> None:
    """Long repairs of cheap drafts cost more than new drafts."""
    found = saving(recovered(150_000))
    assert found is not None and found.share.value == pytest.approx(1 - 250 / 90 / 2)
    assert saving_words(found).endswith("39% more (95%: 15% to 67%)")


def test_a_run_that_discards_says_nothing() -> None:
    """Without repairs, or with a handful, there is nothing to compare."""
    assert saving(Summary(Counts(issued=100, accepted=50, first_pass=50))) is None and saving_words(None) == ""
