"""A gate that judges a share of the orders: which ones, what an attempt says of the others, what the rest is worth."""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.audit.configured import configured
from actors.audit.findings import Findings
from actors.audit.passing import Passings
from actors.conductor import Gating
from actors.counts.rates import wilson
from actors.counts.tally import Tally
from actors.gates.diversity import duplicate_verdict
from actors.recovery.policies import same_bar
from actors.recovery.rescoring import PassingTerms, judged_anew
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, Planned, Record, Rejoined
from schemas.orders import Attempt, Lease, Order, OrderKind
from schemas.progress import SampledGate
from schemas.recovery import Diagnosis, Modes
from schemas.shares import GateShares, in_share
from schemas.verdicts import FORMAT, PROVENANCE, REWARD, GateName, Passed, Rejected, Verdict
from tests.doubles.attempts import candidate
from tests.doubles.conductors import PASSAGE, Book, Model, Says, conductor_of, lease, passed

JUDGE = GateName("judge")
HALF = GateShares(7, {JUDGE: 0.5})
GROUNDED = Passed(PROVENANCE, 1.0, 1.0)


def slot(*, inside: bool) -> int:
    """The first order of the passage that is in the judge's half, or is not."""
    orders = (Order.fresh(PASSAGE.id, "grounded_answer", number) for number in range(99))
    return next(order.slot for order in orders if in_share(7, JUDGE, order.id, 0.5) == inside)


async def conducted(leased: Lease, *, answer: str | None = None) -> tuple[Attempt, int]:
    """One attempt under a judge of half the orders, and how often the judge was asked."""
    judge, book = Says(passed(JUDGE)), Book()
    scored = {REWARD: Says(passed(REWARD)), JUDGE: judge}
    gates = Gating(Says(GROUNDED), scored, short_circuit=False, duplicate=duplicate_verdict, shares=HALF)
    await conductor_of(book, Model(*(() if answer is None else (answer,))), gates).conduct(leased)
    return book.outcomes[0].attempt, len(judge.requests)


async def test_an_order_outside_the_share_is_never_called_judged() -> None:
    """At no attempt: a repaired draft is not judged where the first was not."""
    for attempt in (1, 2):
        made, asked = await conducted(lease(slot(inside=False), attempt=attempt))
        assert [said.gate for said in made.verdicts] == [PROVENANCE, REWARD]
        assert (made.unjudged, asked) == ((JUDGE,), 0)


async def test_an_order_in_the_share_is_judged_as_ever() -> None:
    """Its attempt says nothing of a share."""
    made, asked = await conducted(lease(slot(inside=True)))
    assert [said.gate for said in made.verdicts] == [PROVENANCE, REWARD, JUDGE]
    assert (made.unjudged, asked) == ((), 1)


async def test_what_is_no_draft_passes_no_gate_unjudged() -> None:
    """A malformed completion is rejected, and no share is spoken of."""
    made, asked = await conducted(lease(slot(inside=False)), answer="")
    assert [said.gate for said in made.verdicts] == [FORMAT]
    assert (made.unjudged, asked) == ((), 0)


async def test_a_probe_is_judged_whatever_its_number() -> None:
    """It is made to measure the gate."""
    outside = lease(slot(inside=False))
    probe = replace(outside, order=replace(outside.order, kind=OrderKind.PROBE))
    made, asked = await conducted(probe)
    assert JUDGE in [said.gate for said in made.verdicts] and (made.unjudged, asked) == ((), 1)


@given(st.integers(0, 9), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_larger_share_holds_the_smaller(seed: int, one: float, other: float) -> None:
    """Who raises a share keeps what was judged, and a share of 1 is every order."""
    small, large = sorted((one, other))
    for number in range(20):
        order = OrderId(str(number))
        assert in_share(seed, JUDGE, order, large) or not in_share(seed, JUDGE, order, small)
        assert in_share(seed, JUDGE, order, 1.0)


def test_a_share_is_as_large_as_it_says_and_another_gates_is_another() -> None:
    """Of 20,000 orders, 5% to half a percent; two gates' shares overlap by chance alone."""
    orders = [OrderId(f"{number:032x}") for number in range(20_000)]
    judged, other = ({each for each in orders if in_share(1, gate, each, 0.05)} for gate in (JUDGE, REWARD))
    assert abs(len(judged) / len(orders) - 0.05) < 0.005
    assert len(judged & other) < 0.01 * len(orders)


def records(rate: float, share: float, orders: int) -> Iterator[Record]:
    """A run whose drafts the judge would pass at a rate; what it rejects is made again once, and then accepted."""
    shares, random = GateShares(3, {JUDGE: share}), Random(5)
    issued = tuple(Order.fresh(PASSAGE.id, "grounded_answer", number) for number in range(orders))
    yield Planned(0.0, PASSAGE, issued)
    for order in issued:
        unjudged, verdict = shares.unjudged(order.id), passed(JUDGE)
        attempt = Attempt(1, None, candidate("Who?"), (GROUNDED, passed(REWARD)), unjudged=unjudged)
        if not unjudged and random.random() > rate:
            rejection = replace(attempt, verdicts=(*attempt.verdicts, Rejected(JUDGE, 0.1, 0.5)))
            yield Rejoined(1.0, order.id, rejection)
            attempt = replace(attempt, number=2)
        verdicts = attempt.verdicts if unjudged else (*attempt.verdicts, verdict)
        yield AcceptedEnd(2.0, order.id, replace(attempt, verdicts=verdicts))


def test_the_rest_is_as_good_as_the_share_says() -> None:
    """The judge rejects 3 of 10 drafts: of what it did not see it would pass 7 of 10, though all that it saw was
    accepted in the end."""
    tally = Tally()
    for record in records(rate=0.7, share=0.25, orders=2_000):
        tally.apply(record)
    (row,) = tally.summary().sampled
    assert row.gate == JUDGE and row.unjudged + row.judged == 2_000 and 400 < row.judged < 600
    low, high = wilson(row.passed, row.judged) or (0.0, 0.0)
    assert low < 0.7 < high and high - low < 0.1


def verdicts_of(*said: Verdict) -> tuple[Verdict, ...]:
    return (GROUNDED, *said)


@pytest.mark.parametrize(
    ("verdicts", "judged", "passed_too"),
    [
        (verdicts_of(passed(REWARD), passed(JUDGE)), 1, 1),
        (verdicts_of(passed(REWARD), Rejected(JUDGE, 0.1, 0.5)), 1, 0),
        (verdicts_of(Rejected(REWARD, 0.1, 0.5), Rejected(JUDGE, 0.1, 0.5)), 0, 0),
        (verdicts_of(Rejected(REWARD, 0.1, 0.5), passed(JUDGE)), 0, 0),
    ],
)
def test_only_drafts_that_all_others_passed_are_compared(
    verdicts: tuple[Verdict, ...], judged: int, passed_too: int
) -> None:
    """A draft that another gate rejects is never accepted, unjudged or not."""
    orders = tuple(Order.fresh(PASSAGE.id, "grounded_answer", number) for number in range(2))
    tally = Tally()
    tally.apply(Planned(0.0, PASSAGE, orders))
    outside = Attempt(1, None, candidate("Who?"), verdicts_of(passed(REWARD)), unjudged=(JUDGE,))
    tally.apply(AcceptedEnd(1.0, orders[0].id, outside))
    inside = Attempt(1, None, candidate("Who?"), verdicts, diagnosis=Diagnosis(Modes.UNKNOWN, 0.5))
    tally.apply(Rejoined(1.0, orders[1].id, inside))
    assert tally.summary().sampled == (SampledGate(JUDGE, 1, judged, passed_too),)


RUN = "seed: 7\ngates:\n  reward: {{form: classifier, threshold: 0.5}}\n  judge: {{form: custom, threshold: 0.5{}}}\n"


@pytest.mark.parametrize(
    ("inside", "share", "said"),
    [
        (False, ", share: 0.5", []),
        (True, ", share: 0.5", ["accepted without a verdict of judge, whose share of the orders it is in"]),
        (False, "", ["accepted without a verdict of judge, whose share of the orders it is in"]),
    ],
)
def test_the_proof_draws_anew(inside: bool, share: str, said: list[str]) -> None:
    """An order that was judged by nobody, and had to be, is found from the files alone."""
    order = Order.fresh(PASSAGE.id, "grounded_answer", slot(inside=inside))
    passings, findings = Passings(), Findings()
    verdicts = verdicts_of(Passed(REWARD, 0.9, 0.5))
    passings.add(order.id, Attempt(1, None, candidate("Who?"), verdicts, unjudged=(JUDGE,)))
    passings.close(configured(RUN.format(share).encode()), "ledger", findings)
    assert [found.what for found in findings.kept] == said


def test_a_verdict_that_is_missing_without_a_word_is_found() -> None:
    """A share excuses only what the attempt itself calls unjudged."""
    order = Order.fresh(PASSAGE.id, "grounded_answer", slot(inside=False))
    passings, findings = Passings(), Findings()
    passings.add(order.id, Attempt(1, None, candidate("Who?"), verdicts_of(Passed(REWARD, 0.9, 0.5))))
    passings.close(configured(RUN.format(", share: 0.5").encode()), "ledger", findings)
    assert [found.what for found in findings.kept] == ["accepted without a verdict of judge"]


@pytest.mark.parametrize(
    ("then", "today", "accepted"), [((JUDGE,), (JUDGE,), True), ((JUDGE,), (), False), ((), (JUDGE,), False)]
)
def test_rescoring_needs_the_judge_of_today(
    then: tuple[GateName, ...], today: tuple[GateName, ...], accepted: bool
) -> None:
    """A dead letter that the judge did not see is accepted by its scores only while its order is outside the share."""
    terms = PassingTerms({REWARD: 0.1, JUDGE: 0.5}, (PROVENANCE, REWARD, JUDGE), same_bar)
    attempt = Attempt(1, None, candidate("Who?"), verdicts_of(Rejected(REWARD, 0.2, 0.5)), unjudged=then)
    assert (judged_anew(attempt, terms, today) is not None) is accepted
