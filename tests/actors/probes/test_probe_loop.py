"""Probes through the whole loop in one process: unseen by the gates, counted apart, exported never, lost never."""

import contextlib
import re
from collections import Counter

import msgspec
import pytest
from msgspec.structs import replace

from actors.dataset.rows import sample_row
from actors.ledger.history import Life
from actors.probes.maker import Spoiling
from actors.probes.plan import FlawDraw, LabelledRow, ProbePlan
from actors.probes.spoiler import HOT
from actors.protocols import AskModel
from actors.tasks.grounded_answer import GroundedAnswerTask
from schemas.config import GroundedAnswer
from schemas.errors import GleanerError, LedgerError
from schemas.flaws import FlawKind, Worth
from schemas.ids import OrderId
from schemas.ledger import (
    AcceptedEnd,
    Planned,
    ProbeEnded,
    ProbeIssued,
    ProbeRejoined,
    Record,
)
from schemas.orders import Attempt, Lease, Order, OrderKind
from schemas.probes import ProbeEnd
from schemas.recovery import Modes
from schemas.samples import Draft, answered
from schemas.verdicts import FAITHFULNESS, PROVENANCE, GateRequest, Passed, Verdict
from schemas.wire import GATE_REQUESTS, GENERATION_REQUESTS
from tests.actors.counts.records import counted
from tests.doubles.passages import HERON, passage_of
from tests.doubles.probed import (
    BY_NAME,
    RIGHT,
    WRONG,
    MortalLedger,
    NameGate,
    ProbedRun,
    WrongName,
    kept,
    passages,
    plan,
    spoiling,
)

OF = passages(30)
PASSED = Passed(FAITHFULNESS, 0.9, 0.5)
ROWS = tuple(
    LabelledRow(
        text=f"{HERON} Row {number}.",
        draft=answered("Who founded Amber Heron?", RIGHT if number % 2 else WRONG),
        label=Worth.GOOD if number % 2 else Worth.BAD,
        origin=f"rows#line={number}",
        flaw=None if number % 2 else FlawKind.PARAMETRIC,
    )
    for number in range(20)
)


def ended(records: list[Record]) -> list[ProbeEnded]:
    return [record for record in records if isinstance(record, ProbeEnded)]


def first_attempts(records: list[Record]) -> list[ProbeEnded | ProbeRejoined]:
    moves = (record for record in records if isinstance(record, ProbeEnded | ProbeRejoined))
    return [record for record in moves if record.attempt is not None and record.attempt.number == 1]


async def test_a_run_measures_its_judge_while_it_goes() -> None:
    """Half of the orders bring one along: every wrong name is caught by the gate that is there for it, none is lost."""
    run = spoiling(plan(0.5))
    await run.conduct(OF)
    found = counted(kept(run))
    probes = found.probes
    assert 15 <= probes.issued <= 45
    assert probes.outstanding == 0
    assert {each.end for each in probes.ends} == {ProbeEnd.JUDGED}
    faithfulness, reward = probes.gates
    assert (faithfulness.gate, faithfulness.version, faithfulness.last) == (FAITHFULNESS, "judge@1", True)
    assert faithfulness.whole.recall.value == 1.0 == faithfulness.whole.good_passed.value
    assert faithfulness.whole.recall.trials + faithfulness.whole.good_passed.trials == probes.issued
    assert faithfulness.whole.recall.low is not None and 0.5 < faithfulness.whole.recall.low < 1
    assert reward.whole.recall.trials == 0, "a wrong name is no miss of the gate that never sees the passage"
    assert {each.flaw for each in faithfulness.flaws} == {FlawKind.PARAMETRIC, FlawKind.CONTRADICTS_SOURCE}


async def test_what_is_said_of_the_run_is_the_same_with_and_without_probes() -> None:
    """Yield, recovery, failure modes, repairs, verdicts, roles of the run: no probe is in them, repaired or not."""
    probed, plain = spoiling(plan(0.5), wrong_each=5), spoiling(ProbePlan(), wrong_each=5)
    for run in (probed, plain):
        await run.conduct(OF)
    one, other = counted(kept(probed)), counted(kept(plain))
    assert one.probes.issued and not other.probes.issued
    for name in ("counts", "modes", "repairs", "verdicts", "overlap", "ends", "kinds", "retrieval"):
        assert getattr(one, name) == getattr(other, name), name
    assert [role for role in one.roles if role.role != "probe"] == list(other.roles)


async def test_what_probes_take_is_paid_for() -> None:
    """No generator is asked for a first draft. Gates and repairs have a role of their own, and are in the budget."""
    run = spoiling(plan(0.5))
    await run.conduct(OF)
    found = counted(kept(run))
    cost = next(role for role in found.roles if role.role == "probe")
    repairs = sum(flaw.repaired for flaw in found.probes.flaws)
    assert len(run.writer.requests) == len(OF) * 2 + repairs
    assert cost.prompt_tokens + cost.completion_tokens == found.probes.tokens
    assert found.probes.tokens == (found.probes.issued + repairs) * 2 * 7 + repairs * 15
    assert run.queue.spent == found.tokens


async def test_what_is_caught_is_repaired_and_its_worth_is_known() -> None:
    """Every wrong name is caught by the faithfulness gate alone; the repair writes the right one: healed."""
    run = spoiling(plan(1.0, good=0.0))
    await run.conduct(OF)
    found = counted(kept(run))
    assert found.probes.issued == found.probes.ended == 60
    for flaw in found.probes.flaws:
        assert (flaw.missed, flaw.errored, flaw.still_bad, flaw.unknown, flaw.given_up) == (0, 0, 0, 0, 0)
        assert flaw.caught == flaw.repaired == flaw.healed
        assert [(by.gate, by.caught, by.alone) for by in flaw.by_gate] == [(FAITHFULNESS, flaw.caught, flaw.caught)]
        assert sum(diagnosis.probes for diagnosis in flaw.diagnoses) == flaw.caught
    assert sum(flaw.healed for flaw in found.probes.flaws) == 60


async def test_a_repair_that_stays_bad_is_counted_apart_from_one_that_heals() -> None:
    """Every second repair is wrong and the gate rejects first attempts alone: such a repair counts as still bad."""
    run = spoiling(plan(1.0, good=0.0), wrong_each=2)
    blind = run.gates[FAITHFULNESS]

    async def sees_first_attempts(request: GateRequest) -> Verdict:
        verdict = await NameGate.check(blind, request)
        return replace(PASSED, gate=FAITHFULNESS) if request.attempt > 1 else verdict

    blind.check = sees_first_attempts  # type: ignore[method-assign]
    await run.conduct(OF)
    flaws = counted(kept(run)).probes.flaws
    assert sum(flaw.still_bad for flaw in flaws) > 10 < sum(flaw.healed for flaw in flaws)
    assert all(flaw.repaired == flaw.healed + flaw.still_bad for flaw in flaws)


async def test_a_good_probe_that_is_rejected_is_not_repaired() -> None:
    """The gate erred: there is nothing to heal. Rows of a file are not repaired, because their worth after it is
    unknown."""
    run = spoiling(plan(1.0, good=1.0))
    run.gates[FAITHFULNESS]._wrong = RIGHT
    await run.conduct(OF)
    rows = ProbedRun(ProbePlan(rate=1.0, seed=3, rows=ROWS))
    await rows.conduct(OF)
    for one in (run, rows):
        assert not [record for record in kept(one) if isinstance(record, ProbeRejoined)]
        rejected = [end for end in ended(kept(one)) if end.attempt is not None and end.attempt.diagnosis is not None]
        assert rejected, "what is rejected is diagnosed all the same"


async def test_a_hot_draw_is_made_by_the_task_itself() -> None:
    """The generator is asked what it is always asked, far too hot; one that comes out good is in no rate."""
    run = spoiling(plan(1.0, good=0.0), {FlawKind.HIGH_TEMPERATURE: 1.0}, wrong_each=2)
    await run.conduct(OF)
    found = ended(kept(run)) + [record for record in kept(run) if isinstance(record, ProbeRejoined)]
    hot = [request for request in run.writer.requests if request.sampling.temperature == HOT]
    firsts = first_attempts(kept(run))
    assert len(hot) == len(firsts) == 60
    good = [record for record in found if isinstance(record, ProbeEnded) and record.end is ProbeEnd.UNVERIFIED]
    assert good and all("found good" in record.detail for record in good)
    (flaw,) = counted(kept(run)).probes.flaws
    assert flaw.flaw is FlawKind.HIGH_TEMPERATURE and flaw.caught == 60 - len(good)
    assert [(one.mode, one.right) for one in flaw.diagnoses] == [(Modes.TEMPERATURE, True)]


@pytest.mark.parametrize("probes", [plan(1.0), ProbePlan(rate=1.0, seed=3, rows=ROWS)], ids=["made", "rows"])
async def test_nothing_that_a_gate_gets_tells_a_probe_from_a_sample(probes: ProbePlan) -> None:
    """Bytes on the wire: the same fields with the same kinds of values; ids and digests alone differ."""
    run = spoiling(probes, wrong_each=5)
    await run.conduct(OF)
    issued = {record.order_id for record in kept(run) if isinstance(record, ProbeIssued)}
    seen = run.gates[FAITHFULNESS].seen
    words = re.compile(rb"canary|label|rows#|worth|flaw|probe", re.IGNORECASE)
    for attempt in (1, 2):
        of = [request for request in seen if request.attempt == attempt]
        probed = [request for request in of if request.id.partition(":")[0] in issued]
        samples = [request for request in of if request.id.partition(":")[0] not in issued]
        assert samples and (probed or (attempt == 2 and probes.rows))
        assert {shape(request) for request in probed} <= {shape(request) for request in samples}
        assert not any(words.search(GATE_REQUESTS.encode([request])) for request in probed)


async def test_nothing_that_a_generator_gets_tells_a_repaired_probe_from_a_sample() -> None:
    """The prompt of a repair is the task's own, with the draft that was rejected in it; its sampling too."""
    run = spoiling(plan(1.0, good=0.0), wrong_each=5)
    await run.conduct(OF)
    issued = {record.order_id for record in kept(run) if isinstance(record, ProbeIssued)}
    repairs = [request for request in run.writer.requests if request.id.partition(":")[2] == "2"]
    probed = [request for request in repairs if request.id.partition(":")[0] in issued]
    samples = [request for request in repairs if request.id.partition(":")[0] not in issued]
    assert probed and samples
    words = re.compile(rb"canary|label|worth|flaw|probe|spoil", re.IGNORECASE)
    found, usual = (set(words.findall(GENERATION_REQUESTS.encode(some))) for some in (probed, samples))
    assert found == usual
    kinds = {(len(request.messages), request.sampling.temperature) for request in samples}
    assert {(len(request.messages), request.sampling.temperature) for request in probed} <= kinds


def shape(request: GateRequest) -> str:
    """A request with letters and numbers taken out of what differs from sample to sample."""
    plain = msgspec.to_builtins(request)
    plain["draft"] = {name: type(value).__name__ for name, value in plain["draft"].items()}
    where = plain["passage"].pop("provenance")
    assert where["start"] == 0 and where["end"] == len(plain["passage"].pop("text"))
    digests = (plain.pop("id"), plain["passage"].pop("id"), where.pop("document_sha256"))
    lengths = [re.sub(r"[0-9a-f]", "x", digest) for digest in digests]
    return repr((plain, {name: value for name, value in where.items() if name != "end"}, lengths))


async def test_a_probe_that_every_gate_passes_is_in_no_file() -> None:
    """It has no end that a writer looks for; and a life of its kind is refused at the last gate."""
    run = spoiling(plan(1.0, good=1.0))
    await run.conduct(OF)
    issued = {record.order_id for record in kept(run) if isinstance(record, ProbeIssued)}
    accepted = [record for record in kept(run) if isinstance(record, AcceptedEnd)]
    assert issued.isdisjoint(record.order_id for record in accepted)
    planned = next(record for record in kept(run) if isinstance(record, Planned))
    order = Order(next(iter(issued)), planned.passage.id, "grounded_answer", 0, OrderKind.PROBE)
    life = Life(order, planned.passage, (accepted[0].attempt,), accepted_at=1.0)
    assert not life.exportable
    with pytest.raises(LedgerError, match="never exported"):
        sample_row(life, chat=GroundedAnswerTask(GroundedAnswer()).messages, models={})


async def test_rows_of_a_file_are_sent_as_they_are() -> None:
    """The label, the flaw and the gate come from the file; intervals speak of its rows."""
    run = ProbedRun(ProbePlan(rate=1.0, good=0.25, seed=3, rows=ROWS))
    await run.conduct(OF)
    found = ended(kept(run))
    assert len(found) == len(OF) * 2
    assert {record.facts.origin for record in found} <= {row.origin for row in ROWS}
    labels = Counter(record.facts.label for record in found)
    assert 5 <= labels[Worth.GOOD] <= 25
    assert all((record.facts.flaw is FlawKind.PARAMETRIC) is (record.facts.label is Worth.BAD) for record in found)
    assert all(record.facts.worth is record.facts.label for record in found)
    first = [record.attempt.verdicts[0].gate for record in found if record.attempt is not None]
    assert set(first) == {PROVENANCE}, "provenance speaks first"


async def test_what_the_injector_does_not_bear_out_is_in_no_rate() -> None:
    """The generator was wrong itself, so a probe that was to be good is not: no gate is asked about it."""
    run = spoiling(plan(1.0, good=1.0), wrong_each=2)
    await run.conduct(OF)
    found = ended(kept(run))
    unverified = [record for record in found if record.end is ProbeEnd.UNVERIFIED]
    assert unverified and all("found bad" in record.detail for record in unverified)
    assert not any(record.attempt is None or record.attempt.verdicts for record in unverified)
    gate = counted(kept(run)).probes.gates[0]
    assert gate.judged == len(found) - len(unverified)


async def test_a_gate_that_fails_on_a_probe_has_neither_caught_nor_missed_it() -> None:
    """An error is no verdict: counted beside the rates, and nothing is repaired."""
    run = spoiling(plan(1.0, good=0.0))
    run.gates[FAITHFULNESS]._fails_on = WRONG
    await run.conduct(OF)
    found = counted(kept(run)).probes
    gate = found.gates[0]
    assert gate.errored == len(OF) * 2 and gate.judged == 0 and gate.whole.recall.value is None
    assert {(flaw.caught, flaw.missed, flaw.repaired) for flaw in found.flaws} == {(0, 0, 0)}
    assert sum(flaw.errored for flaw in found.flaws) == len(OF) * 2


async def test_an_injector_that_breaks_costs_probes_and_no_sample() -> None:
    """A bug in somebody's factory: every order ends as it would, every probe as failed, with its reason."""

    class Broken(WrongName):
        async def spoil(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Draft | None:
            raise ZeroDivisionError("oops")

    run = ProbedRun(plan(1.0, good=0.0), spoils=Spoiling(Broken(), FlawDraw(BY_NAME)))
    await run.conduct(OF)
    found = ended(kept(run))
    assert {record.end for record in found} == {ProbeEnd.FAILED} and "oops" in found[0].detail
    assert counted(kept(run)).counts.accepted == len(OF) * 2


async def test_a_spent_budget_ends_probes_too() -> None:
    """They are among what is given up, so that the run is over and nothing stays outstanding."""
    run = spoiling(plan(1.0), tokens=900)
    await run.conduct(OF)
    found = counted(kept(run))
    assert found.counts.outstanding == 0 and found.probes.outstanding == 0
    assert found.counts.accepted < len(OF) * 2


async def test_a_run_that_is_killed_at_any_transaction_loses_no_probe_and_sends_none_twice() -> None:
    """Ids come from the plan: whatever the disk held at the death, the whole is the same at the end, repairs too."""
    of = passages(6)
    whole = spoiling(plan(0.7, good=0.3))
    await whole.conduct(of)
    wanted = fates(kept(whole))
    assert len(wanted) > 4 and any(attempts == 2 for attempts, *_ in wanted.values())
    deaths, outstanding, repairing = 0, 0, 0
    for transactions in range(200):
        mortal = spoiling(plan(0.7, good=0.3), ledger=MortalLedger([], transactions=transactions))
        try:
            await mortal.conduct(of)
        except* (GleanerError, OSError):
            deaths += 1
        else:
            break
        left = counted(kept(mortal)).probes
        outstanding += left.outstanding > 0
        repairing += sum(flaw.repaired - flaw.healed for flaw in left.flaws)
        again = spoiling(plan(0.7, good=0.3), ledger=MortalLedger(kept(mortal), transactions=10_000))
        await again.conduct(of)
        assert fates(kept(again)) == wanted
        assert len(ended(kept(again))) == len(wanted)
        assert counted(kept(again)).counts == counted(kept(whole)).counts
    assert deaths > 5 and outstanding and repairing, "no death left a probe or a repair outstanding"


def fates(records: list[Record]) -> dict[OrderId, tuple[int, object, object, ProbeEnd]]:
    """Of each probe: how many attempts it had, its flaw, what its last text is worth, and its end."""
    return {
        record.order_id: (record.attempt.number, record.facts.flaw, record.facts.worth, record.end)
        for record in ended(records)
        if record.attempt is not None
    }


async def test_probes_that_are_outstanding_when_they_are_switched_off_are_still_ended() -> None:
    """`probes.*` may change on any resume. A probe that cannot be checked any more ends as unverified. A repair that
    had begun is made, and its worth is unknown."""
    of = passages(6)
    found = Counter[ProbeEnd]()
    unknown = 0
    for transactions in range(200):
        mortal = spoiling(plan(1.0, good=0.3), ledger=MortalLedger([], transactions=transactions))
        with contextlib.suppress(BaseExceptionGroup, GleanerError, OSError):
            await mortal.conduct(of)
        if not counted(kept(mortal)).probes.outstanding:
            continue
        again = ProbedRun(ProbePlan(), ledger=MortalLedger(kept(mortal), transactions=10_000))
        await again.conduct(of)
        after = counted(kept(again)).probes
        assert after.outstanding == 0
        found.update(each.end for each in after.ends)
        unknown += sum(flaw.unknown for flaw in after.flaws)
        if found[ProbeEnd.UNVERIFIED] and unknown:
            break
    assert found[ProbeEnd.UNVERIFIED] and unknown


async def test_the_attempt_of_an_order_carries_nothing_of_its_probe() -> None:
    """The ledger keeps them apart, so that a shard written from it cannot hold one."""
    run = spoiling(plan(1.0))
    await run.conduct(OF)
    attempts: list[Attempt] = [record.attempt for record in kept(run) if isinstance(record, AcceptedEnd)]
    assert all(attempt.candidate is not None and attempt.candidate.pool == "generator" for attempt in attempts)
    assert passage_of(HERON).provenance.uri == OF[0].provenance.uri
