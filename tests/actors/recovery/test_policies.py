"""Which repair follows a diagnosis, and when it is enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.recovery.modes import REPAIRS_OF_FORM
from actors.recovery.policies import TaskRecovery, build_recovery
from actors.recovery.repairs import NEEDS_DRAFT, OURS, REPAIRS, USUAL_REPAIRS, arms, directed, repair_for
from schemas.config import Recovery
from schemas.ids import PoolName
from schemas.orders import AttemptSummary, Lease
from schemas.recovery import (
    FORM_REPAIRS,
    KNOWN_MODES,
    KNOWN_REPAIRS,
    Diagnosis,
    FailureMode,
    Modes,
    Repair,
    RepairKind,
    Repairs,
)
from schemas.repairs import RejectedDraft
from schemas.samples import Candidate, Cost, Draft, MalformedReason, Sampling, answered
from schemas.verdicts import FAITHFULNESS, FORMAT, REWARD, Passed, Rejected
from tests.doubles.passages import lease_of

WRONG = answered("Who founded Amber Heron?", "Jon Berg")
VERDICTS = (Rejected(FAITHFULNESS, 0.1, 0.5), Passed(REWARD, 0.9, 0.5))


def candidate(draft: Draft | None = WRONG, temperature: float = 0.7) -> Candidate:
    return Candidate(PoolName("generator"), (), Sampling(temperature=temperature), "text", draft, Cost())


def lease(attempt: int, *past: RepairKind) -> Lease:
    """The lease of an attempt whose earlier ones were made under these repairs (the first under none)."""
    history = tuple(AttemptSummary("parametric", kind) for kind in past[:-1])
    repair = Repair(past[-1], 0.3) if past else None
    return lease_of(attempt=attempt, repair=repair, history=(AttemptSummary("parametric", None), *history))


def repair_of(mode: FailureMode, lease: Lease, said: Candidate, config: Recovery) -> Repair:
    """What the table makes of a candidate that was diagnosed so."""
    rejected = RejectedDraft(
        lease.passage.text, said.draft, lease.attempt, said.sampling.temperature, Diagnosis(mode, 1)
    )
    return directed(repair_for(rejected, lease, config, USUAL_REPAIRS), rejected, config, OURS)[0]


def test_discard_repairs_nothing() -> None:
    """The base line still says why the sample failed."""
    diagnosis, choice = build_recovery(Recovery("discard")).decide(lease_of(), candidate(), VERDICTS)
    assert diagnosis.mode == Modes.PARAMETRIC
    assert (choice.policy, choice.repair, choice.probability) == ("discard", None, 1.0)


def test_naive_resample_changes_nothing_but_the_seed() -> None:
    """Same words, same temperature, until the attempts are spent."""
    recovery = build_recovery(Recovery("naive_resample", max_attempts=3))
    choices = [recovery.decide(lease_of(attempt=number), candidate(), VERDICTS)[1] for number in (1, 2, 3)]
    again = Repair(Repairs.RESAMPLE, 0.7)
    assert [choice.repair for choice in choices] == [again, again, None]
    assert choices[-1].reason == "all 3 attempts were rejected"


def test_rules_repair_by_the_diagnosis() -> None:
    """An unsupported answer goes back to be edited, with the draft and a cooler head; both are recorded."""
    diagnosis, choice = build_recovery(Recovery()).decide(lease_of(), candidate(), VERDICTS)
    assert diagnosis.mode == Modes.PARAMETRIC
    assert choice.repair == Repair(Repairs.EDIT_UNSUPPORTED, 0.35, previous=WRONG)
    assert (choice.policy, choice.probability, choice.reason) == ("rules", 1.0, "edit_unsupported for parametric")


def test_rules_stop_when_the_attempts_are_spent() -> None:
    """The fourth of four attempts was rejected too."""
    choice = build_recovery(Recovery(max_attempts=4)).decide(lease_of(attempt=4), candidate(), VERDICTS)[1]
    assert choice.repair is None
    assert choice.reason == "all 4 attempts were rejected"


def test_the_last_attempt_escalates() -> None:
    """With a stronger pool configured, it gets the last word, and only that."""
    config = Recovery(max_attempts=4, escalate_to="strong")
    assert repair_of(Modes.PARAMETRIC, lease_of(attempt=2), candidate(), config).pool is None
    last = repair_of(Modes.PARAMETRIC, lease_of(attempt=3), candidate(), config)
    assert (last.kind, last.pool) == (Repairs.ESCALATE, "strong")


@pytest.mark.parametrize("policy", ["rules", "naive_resample"])
def test_an_order_that_was_put_back_has_all_its_attempts_again(policy: str) -> None:
    """Attempts 5 to 8 after four of an earlier life: as 1 to 4 of a fresh one, stopped and escalated at the same."""
    recovery = build_recovery(Recovery(policy, max_attempts=4, escalate_to="strong"))  # type: ignore[arg-type]

    def chosen(number: int, before: int) -> Repair | None:
        lease = replace(lease_of(attempt=number + before), attempts_before=before)
        return recovery.decide(lease, candidate(), VERDICTS)[1].repair

    assert [chosen(number, 4) for number in (1, 2, 3, 4)] == [chosen(number, 0) for number in (1, 2, 3, 4)]
    assert chosen(4, 4) is None
    assert chosen(3, 4) is not None


def test_every_mode_has_its_repairs() -> None:
    """A new failure mode without a repair would stop the conductor: the table is complete, without repetitions."""
    assert set(REPAIRS) == set(KNOWN_MODES)
    assert all(kinds and len(set(kinds)) == len(kinds) for kinds in REPAIRS.values())


@pytest.mark.parametrize("mode", KNOWN_MODES)
def test_repairs_are_tried_in_turn(mode: FailureMode) -> None:
    """An order that fails the same way again gets the next directive, until each was tried once."""
    config, tried = Recovery(max_attempts=32), []
    for attempt in range(1, len(REPAIRS[mode]) + 1):
        tried.append(repair_of(mode, lease(attempt, *tried), candidate(), config).kind)
    assert tried == list(REPAIRS[mode])


@pytest.mark.parametrize("mode", KNOWN_MODES)
def test_without_a_draft_nothing_is_edited(mode: FailureMode) -> None:
    """What did not parse cannot be edited or avoided: only directives that ask afresh."""
    repair = repair_of(mode, lease_of(), candidate(None), Recovery())
    assert repair.kind not in NEEDS_DRAFT
    assert repair.previous is None


@given(
    mode=st.sampled_from(KNOWN_MODES),
    past=st.lists(st.sampled_from(KNOWN_REPAIRS), max_size=6),
    temperature=st.floats(0, 2),
    draft=st.none() | st.just(WRONG),
    escalate_to=st.none() | st.just("strong"),
)
def test_whatever_was_tried_a_repair_is_found(
    mode: FailureMode, past: list[RepairKind], temperature: float, draft: Draft | None, escalate_to: str | None
) -> None:
    """Before the attempts are spent there is a next directive: never hotter, and no tried one while an untried fits."""
    config = Recovery(max_attempts=8, escalate_to=escalate_to)
    repair = repair_of(mode, lease(len(past) + 1, *past), candidate(draft, temperature), config)
    assert 0 <= repair.temperature <= temperature + 0.001
    assert repair.pool is None or (repair.pool == escalate_to and len(past) + 2 == config.max_attempts)
    untried = [kind for kind in REPAIRS[mode] if kind not in past and (draft is not None or kind not in NEEDS_DRAFT)]
    assert repair.pool is not None or not untried or repair.kind == untried[0]


UNREAD = Rejected(FORMAT, 0.0, 1.0)
KNOWS_FORMS = TaskRecovery(forms=FORM_REPAIRS)


def unread(reason: MalformedReason) -> Candidate:
    return replace(candidate(None), malformed="why", malformed_reason=reason)


@pytest.mark.parametrize(
    ("reason", "kind", "temperature"),
    [
        (MalformedReason.CUT_OFF, Repairs.ANSWER_SHORTER, 0.7),
        (MalformedReason.UNFINISHED_THOUGHTS, Repairs.ANSWER_SHORTER, 0.7),
        (MalformedReason.NO_LABEL, Repairs.RESTATE_FORM, 0.35),
        (MalformedReason.NO_ANSWER, Repairs.RESTATE_FORM, 0.35),
        (MalformedReason.REPEATED, Repairs.RESTATE_FORM, 0.35),
        (MalformedReason.BAD_JSON, Repairs.HOLD_TO_SCHEMA, 0.7),
    ],
)
def test_what_could_not_be_read_is_repaired_by_what_went_wrong(
    reason: MalformedReason, kind: RepairKind, temperature: float
) -> None:
    """By rules, and as an arm of `adaptive`; afterwards the table's row. A task that names none has the row alone."""
    rules = build_recovery(Recovery(), task=KNOWS_FORMS)
    _, choice = rules.decide(lease_of(), unread(reason), (UNREAD,))
    assert choice.repair == Repair(kind, temperature)
    assert choice.forms == tuple(sorted(FORM_REPAIRS))
    _, plain = build_recovery(Recovery()).decide(lease_of(), unread(reason), (UNREAD,))
    assert plain.repair == Repair(Repairs.LOWER_TEMPERATURE, 0.35) and plain.forms == ()
    open_to_it = arms(Modes.MALFORMED, reason, Recovery(), USUAL_REPAIRS.knowing((), FORM_REPAIRS))
    assert open_to_it[0] == kind and Repairs.LOWER_TEMPERATURE in open_to_it
    assert not set(FORM_REPAIRS) & set(arms(Modes.MALFORMED, reason, Recovery(), USUAL_REPAIRS))


def test_every_reason_has_its_repair() -> None:
    """A reason that is added is added here too."""
    assert set(REPAIRS_OF_FORM) == set(MalformedReason)


def test_a_row_of_the_configuration_stands_in_place_of_what_addresses_the_form() -> None:
    """Who lists the repairs of `malformed` has these alone."""
    config = Recovery(repairs={"malformed": ("resample",)})
    _, choice = build_recovery(config, task=KNOWS_FORMS).decide(lease_of(), unread(MalformedReason.CUT_OFF), (UNREAD,))
    assert choice.repair == Repair(Repairs.RESAMPLE, 0.7)
