"""Canaries through the whole loop in one process: unseen by the gates, counted apart, exported never, lost never."""

import contextlib
import re
from collections import Counter

import msgspec
import pytest
from msgspec.structs import replace

from actors.dataset.rows import sample_row
from actors.ledger.history import Life
from actors.ledger.sqlite import MemoryLedger
from actors.probes.injection import InjectionDraw
from actors.probes.mixing import LabelledRow, Mixing
from actors.probes.plan import Plan
from actors.tasks.grounded_answer import GroundedAnswerTask
from schemas.canaries import CanaryEnd
from schemas.config import GroundedAnswer
from schemas.errors import GleanerError, LedgerError
from schemas.injection import InjectionKind, Worth
from schemas.ledger import AcceptedEnd, CanaryEnded, CanaryIssued, Planned, Record
from schemas.orders import Attempt, Order, OrderKind
from schemas.samples import Draft, answered
from schemas.verdicts import FAITHFULNESS, GateRequest
from schemas.wire import GATE_REQUESTS
from tests.doubles.passages import HERON, passage_of
from tests.doubles.probed import EVERY_KIND, RIGHT, WRONG, MortalLedger, ProbedRun, WrongName, made, passages, summary

OF = passages(30)
ROWS = tuple(
    LabelledRow(
        text=f"{HERON} Row {number}.",
        draft=answered("Who founded Amber Heron?", RIGHT if number % 2 else WRONG),
        label=Worth.GOOD if number % 2 else Worth.BAD,
        origin=f"rows#line={number}",
        flaw=None if number % 2 else InjectionKind.PARAMETRIC,
    )
    for number in range(20)
)


def kept(run: ProbedRun) -> list[Record]:
    assert isinstance(run.ledger, MemoryLedger)
    return run.ledger.kept


def ended(records: list[Record]) -> list[CanaryEnded]:
    return [record for record in records if isinstance(record, CanaryEnded)]


async def test_a_run_measures_its_judge_while_it_goes() -> None:
    """Half of the orders bring one along: every wrong name is caught by the gate that is there for it, none is lost."""
    run = ProbedRun(made(0.5))
    await run.conduct(OF)
    found = summary(kept(run))
    canaries = found.canaries
    assert 15 <= canaries.issued <= 45
    assert canaries.outstanding == 0
    assert {each.end for each in canaries.ends} == {CanaryEnd.JUDGED}
    faithfulness, reward = canaries.gates
    assert (faithfulness.gate, faithfulness.version, faithfulness.last) == (FAITHFULNESS, "judge@1", True)
    assert faithfulness.whole.recall.value == 1.0 == faithfulness.whole.good_passed.value
    assert faithfulness.whole.recall.trials + faithfulness.whole.good_passed.trials == canaries.issued
    assert faithfulness.whole.recall.low is not None and 0.5 < faithfulness.whole.recall.low < 1
    assert reward.whole.recall.trials == 0, "a wrong name is no miss of the gate that never sees the passage"
    assert {each.kind for each in faithfulness.kinds} == {InjectionKind.PARAMETRIC, InjectionKind.CONTRADICTS_SOURCE}


async def test_what_is_said_of_the_run_is_the_same_with_and_without_canaries() -> None:
    """Yield, recovery, failure modes, repairs, verdicts, roles of the run: a canary is in none of them."""
    probed, plain = ProbedRun(made(0.5), wrong_each=5), ProbedRun(Mixing(), wrong_each=5)
    for run in (probed, plain):
        await run.conduct(OF)
    one, other = summary(kept(probed)), summary(kept(plain))
    assert one.canaries.issued and not other.canaries.issued
    for name in ("counts", "modes", "repairs", "verdicts", "overlap", "ends", "kinds", "retrieval", "injections"):
        assert getattr(one, name) == getattr(other, name), name
    assert [role for role in one.roles if role.role != "canary"] == list(other.roles)


async def test_a_canary_costs_the_gates_alone() -> None:
    """No generator is asked; what the gates take is told under a role of its own and counts in the budget."""
    run = ProbedRun(made(0.5))
    await run.conduct(OF)
    found = summary(kept(run))
    cost = next(role for role in found.roles if role.role == "canary")
    assert len(run.writer.requests) == len(OF) * 2
    assert cost.prompt_tokens == found.canaries.tokens == found.canaries.issued * 2 * 7
    assert run.queue.spent == found.tokens


@pytest.mark.parametrize("mixing", [made(1.0), Mixing(rate=1.0, seed=3, rows=ROWS)], ids=["made", "rows"])
async def test_nothing_that_a_gate_gets_tells_a_canary_from_a_sample(mixing: Mixing) -> None:
    """Bytes on the wire: the same fields with the same kinds of values; ids and digests alone differ."""
    run = ProbedRun(mixing)
    await run.conduct(OF)
    issued = {record.order_id for record in kept(run) if isinstance(record, CanaryIssued)}
    seen = run.gates[FAITHFULNESS].seen
    canaries = [request for request in seen if request.id.partition(":")[0] in issued]
    samples = [request for request in seen if request.id.partition(":")[0] not in issued]
    assert len(canaries) == len(issued) and len(samples) == len(OF) * 2
    assert {shape(request) for request in canaries} == {shape(request) for request in samples}
    words = re.compile(rb"canary|label|rows#|worth|flaw|probe", re.IGNORECASE)
    assert not any(words.search(GATE_REQUESTS.encode([request])) for request in canaries)


def shape(request: GateRequest) -> str:
    """A request with letters and numbers taken out of what differs from sample to sample."""
    plain = msgspec.to_builtins(request)
    plain["draft"] = {name: type(value).__name__ for name, value in plain["draft"].items()}
    where = plain["passage"].pop("provenance")
    assert where["start"] == 0 and where["end"] == len(plain["passage"].pop("text"))
    digests = (plain.pop("id"), plain["passage"].pop("id"), where.pop("document_sha256"))
    lengths = [re.sub(r"[0-9a-f]", "x", digest) for digest in digests]
    return repr((plain, {name: value for name, value in where.items() if name != "end"}, lengths))


async def test_a_canary_that_every_gate_passes_is_in_no_file() -> None:
    """It has no end that a writer looks for; and a life of its kind is refused at the last gate."""
    run = ProbedRun(made(1.0, good=1.0))
    await run.conduct(OF)
    issued = {record.order_id for record in kept(run) if isinstance(record, CanaryIssued)}
    accepted = [record for record in kept(run) if isinstance(record, AcceptedEnd)]
    assert issued.isdisjoint(record.order_id for record in accepted)
    planned = next(record for record in kept(run) if isinstance(record, Planned))
    order = Order(next(iter(issued)), planned.passage.id, "grounded_answer", 0, OrderKind.CANARY)
    life = Life(order, planned.passage, (accepted[0].attempt,), accepted_at=1.0)
    assert not life.exportable
    with pytest.raises(LedgerError, match="never exported"):
        sample_row(life, chat=GroundedAnswerTask(GroundedAnswer()).messages, models={})


async def test_rows_of_a_file_are_sent_as_they_are() -> None:
    """The label, the flaw and the gate come from the file; intervals speak of its rows."""
    run = ProbedRun(Mixing(rate=1.0, good=0.25, seed=3, rows=ROWS))
    await run.conduct(OF)
    found = ended(kept(run))
    assert len(found) == len(OF) * 2
    assert {record.origin for record in found} <= {row.origin for row in ROWS}
    labels = Counter(record.label for record in found)
    assert 5 <= labels[Worth.GOOD] <= 25
    assert all((record.flaw is InjectionKind.PARAMETRIC) is (record.label is Worth.BAD) for record in found)
    assert all(not record.verdicts[0].gate.startswith("faith") for record in found), "provenance speaks first"


async def test_injected_orders_make_no_canaries() -> None:
    """Their text is bad on purpose already, and is measured as such."""
    injection = InjectionDraw(Plan(1.0, EVERY_KIND, 0), WrongName())
    run = ProbedRun(made(1.0), injection=injection)
    await run.conduct(OF)
    assert not summary(kept(run)).canaries.issued
    assert summary(kept(run)).counts.injected == len(OF) * 2


async def test_what_the_injector_does_not_bear_out_is_in_no_rate() -> None:
    """The generator was wrong itself, so a canary that was to be good is not: no gate is asked about it."""
    run = ProbedRun(made(1.0, good=1.0), wrong_each=2)
    await run.conduct(OF)
    found = ended(kept(run))
    unverified = [record for record in found if record.end is CanaryEnd.UNVERIFIED]
    assert unverified and all(not record.verdicts and "found bad" in record.detail for record in unverified)
    gate = summary(kept(run)).canaries.gates[0]
    assert gate.judged == len(found) - len(unverified)


async def test_a_gate_that_fails_on_a_canary_has_neither_caught_nor_missed_it() -> None:
    """An error is no verdict: counted beside the rates."""
    run = ProbedRun(made(1.0, good=0.0))
    run.gates[FAITHFULNESS]._fails_on = WRONG
    await run.conduct(OF)
    gate = summary(kept(run)).canaries.gates[0]
    assert gate.errored == len(OF) * 2 and gate.judged == 0 and gate.whole.recall.value is None


async def test_an_injector_that_breaks_costs_canaries_and_no_sample() -> None:
    """A bug in somebody's factory: every order ends as it would, every canary as failed, with its reason."""

    class Broken(WrongName):
        def draft(self, kind: InjectionKind, lease: object, draft: Draft | None) -> Draft | None:
            raise ZeroDivisionError("oops")

    mixing = made(1.0, good=0.0)
    assert mixing.maker is not None
    run = ProbedRun(replace(mixing, maker=replace(mixing.maker, injector=Broken())))
    await run.conduct(OF)
    found = ended(kept(run))
    assert {record.end for record in found} == {CanaryEnd.FAILED} and "oops" in found[0].detail
    assert summary(kept(run)).counts.accepted == len(OF) * 2


async def test_a_spent_budget_ends_canaries_too() -> None:
    """They are among what is given up, so that the run is over and nothing stays outstanding."""
    run = ProbedRun(made(1.0), tokens=900)
    await run.conduct(OF)
    found = summary(kept(run))
    assert found.counts.outstanding == 0 and found.canaries.outstanding == 0
    assert found.counts.accepted < len(OF) * 2


async def test_a_run_that_is_killed_at_any_transaction_loses_no_canary_and_sends_none_twice() -> None:
    """Ids come from the plan: whatever the disk held at the death, the whole is the same at the end."""
    of = passages(6)
    whole = ProbedRun(made(0.7))
    await whole.conduct(of)
    wanted = {record.order_id: (record.label, record.flaw, record.end) for record in ended(kept(whole))}
    assert len(wanted) > 4
    deaths, outstanding_at_death = 0, 0
    for transactions in range(200):
        mortal = ProbedRun(made(0.7), ledger=MortalLedger([], transactions=transactions))
        try:
            await mortal.conduct(of)
        except* (GleanerError, OSError):
            deaths += 1
        else:
            break
        outstanding_at_death += summary(kept(mortal)).canaries.outstanding > 0
        again = ProbedRun(made(0.7), ledger=MortalLedger(kept(mortal), transactions=10_000))
        await again.conduct(of)
        found = ended(kept(again))
        assert {record.order_id: (record.label, record.flaw, record.end) for record in found} == wanted
        assert len(found) == len(wanted)
        assert summary(kept(again)).counts == summary(kept(whole)).counts
    assert deaths > 5 and outstanding_at_death, "no death left a canary outstanding, so nothing was tried"


async def test_canaries_that_are_outstanding_when_auditing_is_switched_off_are_still_ended() -> None:
    """`audit.rate` may change on any resume. What cannot be checked any more is said to be unverified."""
    of = passages(6)
    outstanding: list[Record] = []
    for transactions in range(200):
        mortal = ProbedRun(made(1.0), ledger=MortalLedger([], transactions=transactions))
        with contextlib.suppress(BaseExceptionGroup, GleanerError, OSError):
            await mortal.conduct(of)
        outstanding = kept(mortal)
        if summary(outstanding).canaries.outstanding:
            break
    again = ProbedRun(Mixing(), ledger=MortalLedger(outstanding, transactions=10_000))
    await again.conduct(of)
    found = summary(kept(again)).canaries
    assert found.outstanding == 0
    assert CanaryEnd.UNVERIFIED in {each.end for each in found.ends}


async def test_the_attempt_of_an_order_carries_nothing_of_its_canary() -> None:
    """The ledger keeps them apart, so that a shard written from it cannot hold one."""
    run = ProbedRun(made(1.0))
    await run.conduct(OF)
    attempts: list[Attempt] = [record.attempt for record in kept(run) if isinstance(record, AcceptedEnd)]
    assert all(attempt.candidate is not None and attempt.candidate.pool == "generator" for attempt in attempts)
    assert passage_of(HERON).provenance.uri == OF[0].provenance.uri
