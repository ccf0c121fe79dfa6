"""What is counted of probes, from records: rates against a count by hand, whatever was recorded."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.counts.entries import Entry
from actors.counts.probed_gates import WINDOW
from actors.counts.probes import EXPECTED, ProbeFold
from actors.counts.rates import rate
from actors.ledger.attempts import tokens
from actors.report.probes import confusion_of
from schemas.errors import ErrorKind
from schemas.flaws import FlawKind, Worth
from schemas.ledger import ProbeEnded, ProbeIssued, ProbeRejoined
from schemas.probes import FAULTS_OF, DriftOf, FlawDiagnosis, FlawProbes, ProbedGate, ProbeEnd, ProbeFacts, Probes
from schemas.recovery import Modes
from schemas.samples import Cost
from schemas.verdicts import FAITHFULNESS, REWARD, Errored, GateName, Passed, Rejected, Verdict
from tests.doubles.probes import attempt, ended, facts, issued, probe, rejoined

GATES = (FAITHFULNESS, REWARD)


def verdict(gate: GateName, said: str) -> Verdict:
    match said:
        case "passed":
            return Passed(gate, 0.9, 0.5, cost=Cost(prompt_tokens=3))
        case "rejected":
            return Rejected(gate, 0.1, 0.5, cost=Cost(prompt_tokens=3))
    return Errored(gate, ErrorKind.RETRYABLE, "gone")


@st.composite
def judged(draw: st.DrawFn) -> ProbeEnded:
    label = draw(st.sampled_from([Worth.GOOD, Worth.BAD]))
    said = {gate: draw(st.sampled_from(["passed", "rejected", "errored"])) for gate in GATES}
    number = draw(st.integers(0, 10**6))
    known = facts(
        number,
        label,
        flaw=draw(st.sampled_from([*FlawKind, None])) if label is Worth.BAD else None,
        gate=draw(st.sampled_from([None, None, *GATES])),
        judges={gate: f"{gate}@{draw(st.integers(1, 2))}" for gate in GATES},
    )
    return ended(number, attempt([verdict(gate, what) for gate, what in said.items()]), known)


def folded(records: Sequence[ProbeEnded | ProbeRejoined]) -> Probes:
    tally = ProbeFold()
    for record in records:
        tally.apply(Entry(ProbeIssued(0.0, replace(probe(1), id=record.order_id))))
        tally.apply(Entry(record))
    return tally.tables().probes


def verdicts_of(record: ProbeEnded) -> Sequence[Verdict]:
    assert record.attempt is not None
    return record.attempt.verdicts


def matters(record: ProbeEnded, gate: GateName) -> bool:
    known = record.facts
    if known.gate is not None:
        return known.gate == gate
    return known.label is Worth.GOOD or known.flaw is None or known.flaw in FAULTS_OF[gate]


def by_hand(records: list[ProbeEnded], told: ProbedGate) -> None:
    """The figures of one version, counted from the list."""
    gate = told.gate
    judged = [
        (record, isinstance(said, Rejected))
        for record in records
        if record.facts.judges[gate] == told.version
        for said in verdicts_of(record)
        if said.gate == gate and not isinstance(said, Errored)
    ]
    for found, of in ((told.whole, judged), (told.window, judged[-WINDOW:])):
        bad = [said for record, said in of if record.facts.label is Worth.BAD and matters(record, gate)]
        good = [said for record, said in of if record.facts.label is Worth.GOOD and matters(record, gate)]
        assert found.recall == rate(sum(bad), len(bad))
        assert found.good_passed == rate(len(good) - sum(good), len(good))
        assert found.precision == rate(sum(bad), sum(bad) + sum(good))
    assert (told.judged, told.in_window) == (len(judged), min(len(judged), WINDOW))
    for flaw in told.flaws:
        of = [said for record, said in judged if record.facts.label is Worth.BAD and record.facts.flaw is flaw.flaw]
        assert flaw.recall == rate(sum(of), len(of))


@settings(max_examples=60, deadline=None)
@given(records=st.lists(judged(), max_size=40))
def test_figures_are_those_of_a_count_by_hand(records: list[ProbeEnded]) -> None:
    """By gate, by version, by flaw; whole and window; errors apart; issued = ended + outstanding."""
    found = folded(records)
    assert (found.issued, found.ended, found.outstanding) == (len(records), len(records), 0)
    assert found.tokens == sum(tokens(record.attempt) for record in records if record.attempt is not None)
    for gate in found.gates:
        by_hand(records, gate)
    lasts = [gate.gate for gate in found.gates if gate.last]
    assert len(lasts) == len(set(lasts)), "one version is the present one"


@settings(max_examples=40, deadline=None)
@given(records=st.lists(judged(), max_size=40), cut=st.floats(0, 1))
def test_told_on_the_way_or_at_the_end_it_is_the_same(records: list[ProbeEnded], cut: float) -> None:
    """The live view folds record by record, `gleaner status` all at once: asking in between changes nothing."""
    tally = ProbeFold()
    middle = int(cut * len(records))
    for record in records[:middle]:
        tally.apply(Entry(issued(1)))
        tally.apply(Entry(record))
    assert tally.tables().probes == folded(records[:middle])
    for record in records[middle:]:
        tally.apply(Entry(issued(1)))
        tally.apply(Entry(record))
    assert tally.tables().probes == folded(records)


def test_the_window_forgets_and_the_whole_does_not() -> None:
    """A judge that was blind at first and sees now: the last probes say so, and the change is flagged."""

    def one(number: int, said: str) -> ProbeEnded:
        known = facts(number, Worth.BAD, flaw=FlawKind.PARAMETRIC, judges={FAITHFULNESS: "judge@1"})
        return ended(number, attempt([verdict(FAITHFULNESS, said)]), known)

    records = [one(number, "passed" if number < WINDOW else "rejected") for number in range(2 * WINDOW)]
    (gate,) = folded(records).gates
    assert gate.whole.recall.value == 0.5 and gate.window.recall.value == 1.0
    assert gate.flaws[0].recent.trials == WINDOW
    (drift,) = gate.drift
    assert drift.of is DriftOf.RECALL and drift.flagged and drift.evidence > 2
    assert (drift.before.successes, drift.before.trials) == (0, WINDOW)
    assert folded(records).drifting == ((gate, drift),)


def bad(number: int, **others: Any) -> ProbeFacts:
    return facts(number, Worth.BAD, **{"flaw": FlawKind.CONTRADICTS_SOURCE, **others})


def flaw_of(*records: ProbeEnded | ProbeRejoined) -> FlawProbes:
    (flaw,) = folded(records).flaws
    return flaw


def said_of(number: int, *said: str) -> ProbeEnded:
    """A bad probe of which the gates said so, in their order; the last ones may not have been asked."""
    return ended(number, attempt([verdict(gate, what) for gate, what in zip(GATES, said, strict=False)]), bad(number))


def test_an_error_is_no_catch() -> None:
    """The judge is away for all ten, and the reward gate rejects five of them by chance: nothing is known of recall,
    which was 100% where those five counted as caught and the other five not at all."""
    said = [("errored", "rejected" if number % 2 else "passed") for number in range(10)]
    records = [said_of(number, *each) for number, each in enumerate(said)]
    flaw = flaw_of(*records)
    assert (flaw.errored, flaw.caught, flaw.missed, flaw.by_gate) == (10, 0, 0, ())


def test_a_catch_is_a_rejection_where_every_gate_spoke() -> None:
    """One gate's rejection is a catch; all that pass are a miss; a gate that was not asked after a rejection is no
    error. Alone: where no other gate rejected it."""
    said = (("passed", "rejected"), ("passed", "passed"), ("rejected",), ("rejected", "rejected"))
    records = [said_of(number, *each) for number, each in enumerate(said)]
    flaw = flaw_of(*records)
    assert (flaw.errored, flaw.caught, flaw.missed) == (0, 3, 1)
    assert [(by.gate, by.caught, by.alone) for by in flaw.by_gate] == [(FAITHFULNESS, 2, 1), (REWARD, 2, 1)]


def test_a_label_of_one_gate_is_held_against_that_gate_alone() -> None:
    """A row that speaks of the reward gate: what the other says is no catch, and its error no error."""
    said = [verdict(FAITHFULNESS, "rejected"), verdict(REWARD, "passed")]
    away = [verdict(FAITHFULNESS, "errored"), verdict(REWARD, "rejected")]
    flaw = flaw_of(ended(1, attempt(said), bad(1, gate=REWARD)), ended(2, attempt(away), bad(2, gate=REWARD)))
    assert (flaw.errored, flaw.caught, flaw.missed) == (0, 1, 1)


def test_what_repairs_made_of_a_probe_is_counted_by_its_end() -> None:
    """Healed, still bad, of unknown worth, given up; one is still being repaired. Repairs change no rate of a gate."""
    rejection, acceptance = [verdict(FAITHFULNESS, "rejected")], [verdict(FAITHFULNESS, "passed")]
    judges = {FAITHFULNESS: "judge@1"}
    begun = [rejoined(number, attempt(rejection), bad(number, judges=judges)) for number in range(5)]
    ends = [
        ended(number, attempt(acceptance, number=2), bad(number, judges=judges, worth=worth))
        for number, worth in enumerate((Worth.GOOD, Worth.BAD, Worth.UNKNOWN))
    ]
    given_up = ended(3, attempt(rejection, number=2), bad(3, judges=judges, worth=Worth.GOOD))
    flaw = flaw_of(*begun, *ends, given_up)
    assert (flaw.caught, flaw.missed, flaw.repaired) == (5, 0, 5)
    assert (flaw.healed, flaw.still_bad, flaw.unknown, flaw.given_up) == (1, 1, 1, 1)
    (gate,) = folded([*begun, *ends, given_up]).gates
    assert (gate.judged, gate.whole.recall) == (5, rate(5, 5))


def test_only_known_flaws_of_first_attempts_are_diagnoses() -> None:
    """A repair has another flaw, a row without one has no right mode, an unverified probe was not judged."""
    rejection = [verdict(FAITHFULNESS, "rejected")]
    found = folded(
        [
            ended(1, attempt(rejection, mode=Modes.PARAMETRIC), bad(1)),
            rejoined(2, attempt(rejection, mode=Modes.UNKNOWN), bad(2)),
            ended(2, attempt(rejection, number=2, mode=Modes.MARGINAL), bad(2)),
            ended(3, attempt(rejection, mode=Modes.MARGINAL), bad(3, flaw=None)),
            ended(4, attempt((), mode=Modes.MARGINAL), bad(4), ProbeEnd.UNVERIFIED),
            ended(5, attempt(rejection, mode=Modes.MARGINAL), facts(5, Worth.GOOD)),
        ]
    )
    assert [each.flaw for each in found.flaws] == [FlawKind.CONTRADICTS_SOURCE, None]
    assert found.flaws[0].diagnoses == (
        FlawDiagnosis(Modes.PARAMETRIC, 1, right=True),
        FlawDiagnosis(Modes.UNKNOWN, 1, right=False),
    )
    assert found.flaws[1].diagnoses == ()


def test_every_flaw_says_which_modes_are_right() -> None:
    """A flaw without an answer would always count as wrong; `unknown` as an answer would count as right."""
    assert set(EXPECTED) == set(FlawKind)
    assert all(EXPECTED.values())
    assert Modes.UNKNOWN not in {mode for modes in EXPECTED.values() for mode in modes}


def test_the_matrix_of_diagnoses_adds_up() -> None:
    """Rows by flaw, columns by mode, the share of right ones beside them."""
    rejection = [verdict(FAITHFULNESS, "rejected")]
    counted = (
        (FlawKind.CONTRADICTS_SOURCE, Modes.PARAMETRIC, 3),
        (FlawKind.CONTRADICTS_SOURCE, Modes.UNKNOWN, 1),
        (FlawKind.DOMAIN_MISMATCH, Modes.DOMAIN_MISMATCH, 4),
    )
    records = [
        ended(number, attempt(rejection, mode=mode), bad(number, flaw=flaw))
        for flaw, mode, probes in counted
        for number in range(probes)
    ]
    found = confusion_of(folded(records).flaws)
    assert found is not None
    assert found.modes == ("domain mismatch", "parametric", "unknown")
    assert [[cell.probes for cell in row.cells] for row in found.rows] == [[0, 3, 1], [4, 0, 0]]
    assert [row.rate for row in found.rows] == ["75.0%", "100.0%"]
    assert found.rate == "87.5%"
    assert confusion_of(()) is None
