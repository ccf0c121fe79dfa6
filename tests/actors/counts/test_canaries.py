"""Rates from records: against a count by hand, whatever was recorded."""

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.counts.canaries import WINDOW, CanaryTally
from actors.counts.rates import rate
from schemas.canaries import FAULTS_OF, Canaries, Canary, CanaryEnd, DriftOf, GateCanaries
from schemas.errors import ErrorKind
from schemas.ids import OrderId, content_id
from schemas.injection import InjectionKind, Worth
from schemas.ledger import CanaryEnded, CanaryIssued, Record
from schemas.samples import Cost, answered
from schemas.verdicts import FAITHFULNESS, REWARD, Errored, GateName, Passed, Rejected, Verdict
from tests.doubles.attempts import passage

GATES = (FAITHFULNESS, REWARD)
PASSAGE = passage(1)


def verdict(gate: GateName, said: str) -> Verdict:
    match said:
        case "passed":
            return Passed(gate, 0.9, 0.5, cost=Cost(prompt_tokens=3))
        case "rejected":
            return Rejected(gate, 0.1, 0.5, cost=Cost(prompt_tokens=3))
    return Errored(gate, ErrorKind.RETRYABLE, "gone")


@st.composite
def ended(draw: st.DrawFn) -> CanaryEnded:
    label = draw(st.sampled_from([Worth.GOOD, Worth.BAD]))
    said = {gate: draw(st.sampled_from(["passed", "rejected", "errored"])) for gate in GATES}
    return CanaryEnded(
        at=1.0,
        order_id=OrderId(content_id(draw(st.integers(0, 10**6)))),
        end=CanaryEnd.JUDGED,
        label=label,
        origin="rows#line=1",
        flaw=draw(st.sampled_from([*InjectionKind, None])) if label is Worth.BAD else None,
        gate=draw(st.sampled_from([None, None, *GATES])),
        verdicts=tuple(verdict(gate, what) for gate, what in said.items()),
        judges={gate: f"{gate}@{draw(st.integers(1, 2))}" for gate in GATES},
    )


def folded(records: list[CanaryEnded]) -> Canaries:
    tally = CanaryTally()
    for record in records:
        tally.apply(issued(record))
        tally.apply(record)
    return tally.canaries()


def issued(record: CanaryEnded) -> Record:
    return CanaryIssued(0.0, Canary(record.order_id, PASSAGE, answered("Who?", "Oda"), record.label, record.origin))


def matters(record: CanaryEnded, gate: GateName) -> bool:
    if record.gate is not None:
        return record.gate == gate
    return record.label is Worth.GOOD or record.flaw is None or record.flaw in FAULTS_OF[gate]


def by_hand(records: list[CanaryEnded], told: GateCanaries) -> None:
    """The figures of one version, counted from the list."""
    gate = told.gate
    judged = [
        (record, isinstance(said, Rejected))
        for record in records
        if record.judges[gate] == told.version
        for said in record.verdicts
        if said.gate == gate and not isinstance(said, Errored)
    ]
    for found, of in ((told.whole, judged), (told.window, judged[-WINDOW:])):
        bad = [said for record, said in of if record.label is Worth.BAD and matters(record, gate)]
        good = [said for record, said in of if record.label is Worth.GOOD and matters(record, gate)]
        assert found.recall == rate(sum(bad), len(bad))
        assert found.good_passed == rate(len(good) - sum(good), len(good))
        assert found.precision == rate(sum(bad), sum(bad) + sum(good))
    assert (told.judged, told.in_window) == (len(judged), min(len(judged), WINDOW))
    for kind in told.kinds:
        of = [said for record, said in judged if record.label is Worth.BAD and record.flaw is kind.kind]
        assert kind.recall == rate(sum(of), len(of))


@settings(max_examples=60, deadline=None)
@given(records=st.lists(ended(), max_size=40))
def test_figures_are_those_of_a_count_by_hand(records: list[CanaryEnded]) -> None:
    """By gate, by version, by kind; whole and window; errors apart; issued = ended + outstanding."""
    found = folded(records)
    assert (found.issued, found.ended, found.outstanding) == (len(records), len(records), 0)
    assert found.tokens == sum(record.tokens for record in records)
    for gate in found.gates:
        by_hand(records, gate)
    lasts = [gate.gate for gate in found.gates if gate.last]
    assert len(lasts) == len(set(lasts)), "one version is the present one"


@settings(max_examples=40, deadline=None)
@given(records=st.lists(ended(), max_size=40), cut=st.floats(0, 1))
def test_told_on_the_way_or_at_the_end_it_is_the_same(records: list[CanaryEnded], cut: float) -> None:
    """The live view folds record by record, `gleaner status` all at once: asking in between changes nothing."""
    tally = CanaryTally()
    middle = int(cut * len(records))
    for record in records[:middle]:
        tally.apply(issued(record))
        tally.apply(record)
    assert tally.canaries() == folded(records[:middle])
    for record in records[middle:]:
        tally.apply(issued(record))
        tally.apply(record)
    assert tally.canaries() == folded(records)


def test_the_window_forgets_and_the_whole_does_not() -> None:
    """A judge that was blind at first and sees now: the last canaries say so, and the change is flagged."""

    def one(number: int, said: str) -> CanaryEnded:
        return CanaryEnded(
            1.0,
            OrderId(content_id(number)),
            CanaryEnd.JUDGED,
            Worth.BAD,
            "x",
            InjectionKind.PARAMETRIC,
            verdicts=(verdict(FAITHFULNESS, said),),
            judges={FAITHFULNESS: "judge@1"},
        )

    records = [one(number, "passed" if number < WINDOW else "rejected") for number in range(2 * WINDOW)]
    (gate,) = folded(records).gates
    assert gate.whole.recall.value == 0.5 and gate.window.recall.value == 1.0
    assert gate.kinds[0].recent.trials == WINDOW
    (drift,) = gate.drift
    assert drift.of is DriftOf.RECALL and drift.flagged and drift.evidence > 2
    assert (drift.before.successes, drift.before.trials) == (0, WINDOW)
    assert folded(records).drifting == ((gate, drift),)
