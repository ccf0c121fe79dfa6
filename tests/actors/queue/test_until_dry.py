"""`samples_per_passage: auto`: a passage gets orders until it is dry or has had all, whatever dies, and whoever reads
the corpus again."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from actors.counts.carried_words import carried_words
from actors.counts.standing import PassageStanding
from actors.counts.tally import Tally
from actors.counts.together import together
from actors.exports.families import families
from actors.ledger.sqlite import MemoryLedger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.plan import StopTerms
from actors.queue.service import QueueService, ServiceSettings
from actors.tasks.strata import Strata
from schemas.corpus import Passage
from schemas.ids import PassageId
from schemas.ledger import NotNeededEnd, PlanEnded, Planned, Record, RunStarted
from schemas.orders import Duplicate, Lease
from schemas.progress import Carried
from schemas.stop import PlanEnd
from schemas.until_dry import UntilDry
from schemas.wire import decode_record, encode_record
from tests.doubles.attempts import accepted, given_up, passage
from tests.doubles.giving import giving_faults
from tests.doubles.ledgers import MemoryLedger as Stories

RULE = UntilDry(at_most=6, patience=2)
NO_STOP = StopTerms()
TONES = ("dry", "warm", "plain")


@pytest.mark.parametrize(
    ("orders", "barren", "rule", "further"),
    [
        (0, 0, RULE, 2),
        (0, 0, UntilDry(at_most=1, patience=2), 1),
        (0, 0, UntilDry(at_most=6, patience=2, at_once=3), 3),
        (3, 1, RULE, 1),
        (3, 1, UntilDry(at_most=6, patience=2, at_once=3), 3),
        (5, 0, RULE, 1),
        (6, 0, RULE, 0),
        (4, 2, RULE, 0),
        (9, 0, RULE, 0),
    ],
)
def test_the_rule(orders: int, barren: int, rule: UntilDry, further: int) -> None:
    """As many as could show that the passage is dry, or as one call serves; none once it is dry or has had all."""
    assert PassageStanding(orders, barren).further(rule) == further


class Run:
    """A queue over passages that carry so many facts each: the next fact is asked for, or a known one once more."""

    def __init__(
        self,
        facts: Sequence[int],
        rule: UntilDry = RULE,
        *,
        stop: StopTerms = NO_STOP,
        capacity: int = 1000,
        kept: Sequence[Record] = (),
        reads: int | None = None,
    ) -> None:
        """`kept`: what an earlier life has recorded; `reads`: the passages that are read, if not all."""
        self.most = 0
        self.facts = {passage(number).id: carries for number, carries in enumerate(facts)}
        self.passages = [passage(number) for number in range(len(facts))][:reads]
        self.ledger = MemoryLedger()
        self.ledger.kept = [decode_record(encode_record(record)) for record in kept]
        self.queue = RegenerationQueue(
            QueueLimits(max_attempts=1, lease_s=60, fresh_share=0.25, together=rule.at_once),
            lambda one, other: float(one.question == other.question),
        )
        vary = Strata({"tone": TONES}, seed=1).of
        settings = ServiceSettings("grounded_answer", rule, capacity, stop=stop, vary=vary)
        self.service = QueueService(self.queue, self.ledger, settings, now=lambda: 1000.0)

    async def start(self) -> None:
        await self.service.start(RunStarted(1000.0, "00", {}))

    async def read(self) -> None:
        """The corpus is read from its start, as at every launch."""
        if await self.service.offer(self.passages):
            await self.service.corpus_ended(len(self.passages), len(self.passages))

    async def work(self, most: int = 10_000) -> int:
        """Reports on leases until there are none, or so many were reported on; gives how many."""
        done = 0
        while done < most and (leases := await self.service.lease("c", 1, 0.0)):
            for lease in leases[0].apart():
                await self.report(lease)
                done += 1
        return done

    async def report(self, lease: Lease) -> None:
        made = accepted(lease, f"fact {self.found(lease.passage.id) % self.facts[lease.passage.id]}?")
        (settlement,) = await self.service.settle([made])
        if isinstance(settlement, Duplicate):
            await self.service.settle([given_up(lease)])

    async def all(self) -> "Run":
        await self.start()
        reading, turns = asyncio.ensure_future(self.read()), 0
        while not reading.done() or not self.service.finished():
            await asyncio.sleep(0)
            await self.work(1)
            self.most = max(self.most, self.queue.outstanding)
            turns += 1
            assert turns < 20_000, "the run never ends"
        self.queue.check()
        return self

    def found(self, passage_id: PassageId) -> int:
        asked = self.queue._asked._accepted.get(passage_id, [])
        return len(asked)

    @property
    def each(self) -> list[int]:
        """The orders of each passage."""
        issued: Counter[PassageId] = Counter()
        for record in self.ledger.kept:
            if isinstance(record, Planned):
                issued[record.passage.id] += len(record.orders)
        return [issued[each] for each in self.facts]

    @property
    def carried(self) -> Carried:
        tally = Tally()
        for record in self.ledger.kept:
            tally.apply(record)
        carried = tally.summary().carried
        assert isinstance(carried, Carried)
        return carried


def faults(records: Sequence[Record], rule: UntilDry = RULE, more: str = "") -> list[str]:
    return giving_faults(records, rule, more)


async def test_a_passage_gets_as_many_as_it_carries_and_two_more() -> None:
    """One fact, two, three, and more than it may have orders for."""
    run = await Run([1, 2, 3, 9]).all()
    assert run.each == [3, 4, 5, 6]
    assert run.service.finished()
    assert run.carried == Carried({1: 1, 2: 1, 3: 1}, {6: 1}, 0)
    assert carried_words(run.carried) == (
        ("passages", "3 dry, 1 still gave at their last order (at_most)"),
        ("they gave", "1 × 1 · 1 × 2 · 1 × 3 · 1 × 6 (passages × samples)"),
    )
    assert faults(run.ledger.kept) == []


async def test_after_a_death_at_any_record_the_same_follows() -> None:
    """Each transaction is the ledger's last; the next life issues what the undisturbed one issued, and no more."""
    whole = await Run([1, 3, 9]).all()
    for upto in range(1, len(whole.ledger.kept)):
        if isinstance(following := whole.ledger.kept[upto], Planned) and following.follows:
            continue  # it is of one transaction with the end before it
        again = await Run([1, 3, 9], kept=whole.ledger.kept[:upto]).all()
        assert again.each == whole.each, upto
        assert again.carried == whole.carried
        assert faults(again.ledger.kept) == []


async def test_a_finished_folder_gets_nothing_and_a_grown_corpus_only_its_new_passages() -> None:
    """A dry passage stays dry."""
    whole = await Run([1, 2, 3], reads=2).all()
    same = await Run([1, 2, 3], kept=whole.ledger.kept, reads=2).all()
    assert same.each == whole.each == [3, 4, 0]
    grown = await Run([1, 2, 3], kept=same.ledger.kept).all()
    assert grown.each == [3, 4, 5]
    assert faults(grown.ledger.kept) == []


async def test_a_raised_rule_goes_on_with_what_passages_gave() -> None:
    """More orders at most: the passages that had all go on, compared with what is there; dry ones do not."""
    whole = await Run([1, 9], UntilDry(3, 2)).all()
    assert whole.each == [3, 3]
    raised = UntilDry(8, 2)
    more = await Run([1, 9], raised, kept=whole.ledger.kept).all()
    assert more.each == [3, 8]
    assert more.carried == Carried({1: 1}, {8: 1}, 0)
    (found,) = faults(more.ledger.kept, raised)
    assert "orders were issued until 2 give nothing, at most 3" in found, "the same configuration, says the double"


async def test_stop_accepted_is_exact_and_what_still_gave_goes_on_later() -> None:
    """Passages that the stop cut short are not dry."""
    run = await Run([4] * 30, stop=StopTerms(accepted=20)).all()
    assert (run.queue.accepted, run.queue.outstanding) == (20, 0)
    assert run.carried.going
    assert faults(run.ledger.kept) == []
    more = await Run([4] * 30, stop=StopTerms(accepted=40), kept=run.ledger.kept).all()
    assert (more.queue.accepted, more.queue.outstanding) == (40, 0)
    assert faults(more.ledger.kept) == []


async def test_stop_orders_is_kept_when_passages_go_on() -> None:
    """Also after the corpus was read to its end: the plan ends, and says so."""
    run = await Run([9, 9], stop=StopTerms(orders=7)).all()
    assert sum(run.each) == 6, "two at once do not fit any more"
    assert [record.why for record in run.ledger.kept if isinstance(record, PlanEnded)] == [PlanEnd.ORDERS]
    assert not any(isinstance(record, NotNeededEnd) for record in run.ledger.kept)
    assert faults(run.ledger.kept) == []


async def test_orders_of_one_call_stay_together() -> None:
    """With `samples_per_call: 3` a passage gets three at once, in one lease."""
    rule = UntilDry(at_most=8, patience=2, at_once=3)
    run = await Run([1, 9], rule).all()
    assert run.each == [3, 8]
    assert faults(run.ledger.kept, rule) == []


async def test_a_full_queue_keeps_room_for_what_passages_get_next() -> None:
    """Bounded: never more than the capacity is outstanding, though open passages get more orders."""
    run = await Run([9] * 8, UntilDry(at_most=9, patience=3), capacity=6).all()
    assert run.most <= 6
    assert run.each == [9] * 8


async def test_variables_keep_their_shares() -> None:
    """Each further order is the next one: of any first N orders each value has its share within one."""
    run = await Run([1, 4, 2, 9]).all()
    drawn = [order.vary["tone"] for record in run.ledger.kept if isinstance(record, Planned) for order in record.orders]
    for upto in range(1, len(drawn) + 1):
        each = Counter(drawn[:upto])
        assert all(upto // 3 <= each[tone] <= -(-upto // 3) for tone in TONES)


async def test_a_queue_that_is_made_again_knows_what_must_not_be_asked_again() -> None:
    """The passage's samples are known after its further orders, though their plan does not repeat them."""
    run = Run([5])
    await run.start()
    await run.read()
    await run.work(2)
    again = Run([5], kept=run.ledger.kept)
    follows = [record for record in again.ledger.kept if isinstance(record, Planned) and record.follows]
    assert [record.asked for record in follows] == [()]
    assert again.found(again.passages[0].id) == run.found(run.passages[0].id) == 2
    again.queue.check()


async def test_shards_add_up() -> None:
    """What passages gave is a table: two ledgers' numbers add up."""
    one, other = await Run([1, 2]).all(), await Run([2, 9]).all()
    tallies = [Tally(), Tally()]
    for run, tally in zip((one, other), tallies, strict=True):
        for record in run.ledger.kept:
            tally.apply(record)
    assert together([tally.summary() for tally in tallies]).carried == Carried({1: 1, 2: 2}, {6: 1}, 0)


async def test_verify_sees_a_passage_that_was_closed_early_or_went_on_too_long() -> None:
    """Also one whose further orders came apart from its last end, or under another rule. A spent budget is no fault."""
    run = await Run([1, 3]).all()
    kept = run.ledger.kept
    last = max(number for number, record in enumerate(kept) if isinstance(record, Planned))
    orders = {order.id for order in kept[last].orders}  # pyright: ignore[reportAttributeAccessIssue]
    early = [record for record in kept[:last] + kept[last + 1 :] if getattr(record, "order_id", None) not in orders]
    assert any("1 passages still gave and got no more orders" in what for what in faults(early))
    assert faults(early, more="\nbudget: {tokens: 10}") == [
        "1 passages still gave when the run ended, as it does when its budget is spent"
    ]
    longer = UntilDry(6, 3)
    beyond = (await Run([1, 3], longer).all()).ledger.kept
    assert any("asks for 2 and 6" in what for what in faults(beyond))
    lying = [_under(record, RULE) for record in beyond]
    assert any("where the rule gives it" in what for what in faults(lying))
    one, other = run.passages
    moved = [*kept, Planned(1.0, other, kept[last].orders, (), RULE, True)]  # pyright: ignore[reportAttributeAccessIssue]
    assert any("where the rule gives it 0" in what for what in faults(moved)) and one != other


def _under(record: Record, rule: UntilDry) -> Record:
    if not isinstance(record, Planned):
        return record
    return Planned(record.at, record.passage, record.orders, record.asked, rule, record.follows)


def test_a_plan_of_a_fixed_number_is_what_it_was() -> None:
    """A run with a number writes the same bytes as before there was a rule."""
    one: Passage = passage(1)
    body = encode_record(Planned(1.0, one, ()))
    assert b"until" not in body and b"follows" not in body
    made = Planned(1.0, one, (), until=RULE, follows=True)
    assert decode_record(encode_record(made)) == made


async def test_a_passages_orders_are_one_family_of_an_export() -> None:
    """Whichever plan they came with; orders of another launch are a family of their own."""
    run = await Run([3, 1]).all()
    assert [len(each.children) for each in families(Stories(run.ledger.kept), {})] == [5, 3]
    more = await Run([3, 9], UntilDry(8, 3), kept=run.ledger.kept).all()
    assert [len(each.children) for each in families(Stories(more.ledger.kept), {})] == [5, 3, 1, 5]
