"""A user's own repairs: what a function may give, what happens if it gives something else, and which repairs are
tried."""

import logging
from typing import Any

import pytest
from msgspec.structs import replace

from actors.gates.own import rejected as rejected_by
from actors.recovery.conformance import PLAIN
from actors.recovery.decisions import DecisionLog
from actors.recovery.modes import RunGates
from actors.recovery.own import LONGEST_WORDS, FunctionRepair, worded
from actors.recovery.policies import Recoverer, TaskRecovery, build_recovery
from schemas.config import Recovery
from schemas.ids import PoolName
from schemas.ledger import AcceptedEnd, Rejoined
from schemas.orders import Attempt, AttemptSummary
from schemas.recovery import Choice, FailureMode, RepairKind, Repairs
from schemas.repairs import Directive
from schemas.samples import Candidate, Cost, Draft, Sampling, answered
from schemas.verdicts import GateName, Verdict
from tests.doubles.passages import lease_of

SHORTER, TOO_LONG = RepairKind("shorter"), FailureMode("too_long")
WRONG = answered("Who founded Amber Heron?", "It was, as far as anybody knows, Jon Berg")
VERDICTS: tuple[Verdict, ...] = (replace(rejected_by(mode="too_long"), gate=GateName("brief")),)
ROW = Recovery(repairs={"too_long": ("shorter", "resample")}, own_repairs={"shorter": "Be brief."})
WORDS = {SHORTER: worded("Be brief.")}


def candidate(draft: Draft | None = WRONG) -> Candidate:
    return Candidate(PoolName("generator"), (), Sampling(temperature=0.8), "text", draft, Cost())


def said(function: Any) -> Directive:
    return FunctionRepair(SHORTER, function)(PLAIN)


@pytest.mark.parametrize(
    ("gives", "directive"),
    [
        ("Be brief.", Directive("Be brief.")),
        ("", Directive()),
        (Directive("Be brief.", 1, "why"), Directive("Be brief.", 1.0, "why")),
    ],
)
def test_what_a_function_may_give(gives: object, directive: Directive) -> None:
    """Words, or a directive."""
    assert said(lambda rejected: gives) == directive


@pytest.mark.parametrize(
    ("gives", "why"),
    [
        (None, "it gave NoneType; a repair gives words or a Directive"),
        (7, "it gave int; a repair gives words or a Directive"),
        ("x" * (LONGEST_WORDS + 1), "its words must be a text of at most 2,000 characters"),
        (Directive(temperature=2.5), "its temperature is 2.5; it must be in [0, 2]"),
        (Directive(temperature=float("nan")), "its temperature is nan; it must be in [0, 2]"),
    ],
)
def test_an_invalid_directive_is_reported(gives: object, why: str, caplog: pytest.LogCaptureFixture) -> None:
    """The order continues without words; the log and the choice say why."""
    with caplog.at_level(logging.WARNING, "gleaner.recovery"):
        directive = said(lambda rejected: gives)
    assert (directive.words, directive.temperature) == ("", None)
    assert directive.note == f"it failed, so nothing is added: {why}"
    assert "a repair failed" in caplog.text


def test_a_bug_ends_no_order() -> None:
    """With what was raised, and where."""
    recovery = build_recovery(ROW, task=TaskRecovery(makers={SHORTER: FunctionRepair(SHORTER, lambda rejected: 1 / 0)}))
    choice = recovery.decide(lease_of(), candidate(), VERDICTS)[1]
    assert choice.repair is not None and (choice.repair.kind, choice.repair.words) == (SHORTER, "")
    assert choice.reason.startswith("shorter for too_long; it failed, so nothing is added: ZeroDivisionError")


def rules(config: Recovery = ROW, known: tuple[RepairKind, ...] = ()) -> Recoverer:
    return build_recovery(config, task=TaskRecovery(known=known, makers=WORDS))


def test_a_row_of_the_configuration_is_tried_in_its_order() -> None:
    """First the words, cooler and with the draft; then what stands behind them."""
    first = rules().decide(lease_of(), candidate(), VERDICTS)[1].repair
    assert first is not None
    assert (first.kind, first.words, first.temperature, first.previous) == (SHORTER, "Be brief.", 0.4, WRONG)
    second = rules().decide(lease_of(attempt=2, repair=first), candidate(), VERDICTS)[1].repair
    assert second is not None and (second.kind, second.words) == (Repairs.RESAMPLE, "")


def test_a_row_stands_in_place_of_the_tables_and_of_a_gates() -> None:
    """Of a mode that is known, and of one that a gate brings with a repair."""
    config = Recovery(repairs={"parametric": ("resample",), "too_long": ("quote_then_answer",)})
    recovery = build_recovery(config, gates=RunGates(repairs={TOO_LONG: Repairs.STRICT_GROUNDING}))
    by_gate = recovery.decide(lease_of(), candidate(), VERDICTS)[1].repair
    assert by_gate is not None and by_gate.kind == Repairs.QUOTE_THEN_ANSWER


def test_adaptive_chooses_among_a_row_alone() -> None:
    """An own repair is an arm; a repair outside the row is not. The probabilities are logged."""
    recovery = rules(replace(ROW, policy="adaptive"))
    chosen: dict[str, float] = {}
    for number in range(60):
        lease = lease_of(text=f"Amber Heron was founded in 16{number:02d}.")
        choice = recovery.decide(lease, candidate(), VERDICTS)[1]
        assert choice.repair is not None
        chosen[choice.repair.kind] = choice.probability
    assert set(chosen) == {SHORTER, Repairs.RESAMPLE}
    assert sum(chosen.values()) == pytest.approx(1)


def test_a_row_that_needs_a_draft_is_never_empty() -> None:
    """A draft that cannot be edited is asked for again, even if the row has no other repair."""
    for policy in ("rules", "adaptive"):
        config = Recovery(policy=policy, repairs={"too_long": ("edit_unsupported",)})
        choice = build_recovery(config).decide(lease_of(), candidate(None), VERDICTS)[1]
        assert choice.repair is not None and choice.repair.kind == Repairs.STRICT_GROUNDING


def test_a_task_is_given_repairs_that_it_knows() -> None:
    """And may always be asked again; the choice says what it knew, so that the ledger alone tells the options."""
    config = replace(ROW, repairs={"too_long": ("shorter", "quote_then_answer")})
    choice = rules(config, known=(Repairs.QUOTE_THEN_ANSWER,)).decide(lease_of(), candidate(), VERDICTS)[1]
    assert choice.repair is not None and choice.repair.kind == Repairs.QUOTE_THEN_ANSWER
    assert choice.known == (Repairs.QUOTE_THEN_ANSWER,)
    nothing = rules(config, known=(Repairs.EDIT_UNSUPPORTED,)).decide(lease_of(), candidate(), VERDICTS)[1]
    assert nothing.repair is not None and nothing.repair.kind == Repairs.RESAMPLE


@pytest.mark.parametrize("known", [(), (SHORTER,), (Repairs.QUOTE_THEN_ANSWER,)])
def test_the_ledger_alone_tells_what_could_be_done(known: tuple[RepairKind, ...]) -> None:
    """`gleaner policy` runs no code: names of repairs and what the task knew are all it needs."""
    config = replace(ROW, policy="adaptive", repairs={"too_long": ("shorter", "quote_then_answer")})
    lease = lease_of()
    diagnosis, choice = rules(config, known).decide(lease, candidate(), VERDICTS)
    log = DecisionLog(config)
    told = Attempt(1, None, candidate(), VERDICTS, diagnosis, choice)
    repair = choice.repair
    assert repair is not None
    log.apply(Rejoined(1.0, lease.order.id, told))
    log.apply(AcceptedEnd(2.0, lease.order.id, Attempt(2, repair, candidate())))
    decision = log.decisions[0]
    wanted = [SHORTER, Repairs.QUOTE_THEN_ANSWER] if not known else list(known)
    assert [arm.repair for arm in decision.options] == wanted
    assert decision.rules == wanted[0]
    assert decision.chosen is not None and decision.chosen.repair == repair.kind


def test_what_was_tried_counts_by_its_name() -> None:
    """An order that came back from a replay knows its own repairs too."""
    past = (AttemptSummary("too_long", None), AttemptSummary("too_long", "shorter"))
    choice: Choice = rules().decide(lease_of(attempt=3, history=past), candidate(), VERDICTS)[1]
    assert choice.repair is not None and choice.repair.kind == Repairs.RESAMPLE
