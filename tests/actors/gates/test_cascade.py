"""A cascade: which of its two gates decides, what the verdict says of that, and what it costs whom."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.conductor import Gating
from actors.counts.spend import paid_by_role
from actors.gates.cascade import Bar, CascadeGate
from actors.gates.diversity import duplicate_verdict
from actors.recovery.bar import raised, raised_bar, same_bar
from actors.recovery.rescoring import PassingTerms, judged_anew
from schemas.bands import Band
from schemas.config_cascade import Cascade
from schemas.errors import ErrorKind, JudgeError
from schemas.orders import Attempt
from schemas.samples import Cost
from schemas.verdicts import (
    FAITHFULNESS,
    PROVENANCE,
    REWARD,
    Cascaded,
    CascadeStep,
    ClaimEvidence,
    Errored,
    Evidence,
    GateName,
    GateRequest,
    Passed,
    Rejected,
    Verdict,
)
from schemas.wire import LEASES
from tests.doubles.attempts import candidate
from tests.doubles.conductors import Book, Model, Says, conductor_of, lease, passed
from tests.doubles.passages import asked_of_gate

NLI, CAREFUL = GateName("nli"), GateName("careful")
CONFIG = Cascade("nli", "careful")
BAND = Band(0.2, 0.8, 100, 100)
CLAIM = Evidence(claims=(ClaimEvidence("settled in 1500", supported=False),))
CHEAPLY, DEARLY = Cost(prompt_tokens=5, seconds=0.1), Cost(prompt_tokens=100, completion_tokens=20, seconds=2.0)


class Gates:
    """Two gates that say one thing, and whom of them was asked."""

    def __init__(self, cheap: float | Verdict, judge: float | Verdict = 0.9) -> None:
        self.asked: list[GateName] = []
        self._said = {NLI: _verdict(NLI, cheap, 0.5, CHEAPLY), CAREFUL: _verdict(CAREFUL, judge, 0.7, DEARLY)}

    async def __call__(self, name: GateName, request: GateRequest) -> Verdict:
        assert request.bands == {}, "the band is the cascade's own affair"
        self.asked.append(name)
        return self._said[name]


def _verdict(gate: GateName, said: float | Verdict, threshold: float, cost: Cost) -> Verdict:
    if isinstance(said, Passed | Rejected | Errored):
        return said
    return (Passed if said >= threshold else Rejected)(gate, said, threshold, CLAIM, cost)


async def judged(gates: Gates, band: Band | None = BAND, *, attempt: int = 1, bar: Bar = same_bar) -> Verdict:
    request = asked_of_gate("Who?", "Oda Lind")
    request = replace(request, attempt=attempt, bands={} if band is None else {FAITHFULNESS: band})
    return await CascadeGate(FAITHFULNESS, CONFIG, bar=bar).check_by(request, gates)


async def test_outside_the_band_the_cheap_gate_decides_alone() -> None:
    """The judge is not asked; the verdict has the cascade's name, the band's edge as threshold, and one gate's cost."""
    above, below = Gates(0.81), Gates(0.19)
    step = CascadeStep(NLI, 0.81, CHEAPLY)
    assert await judged(above) == Passed(
        FAITHFULNESS, 0.81, 0.8, replace(CLAIM, cascade=Cascaded((step,), BAND)), CHEAPLY
    )
    said = await judged(below)
    assert isinstance(said, Rejected) and (said.score, said.threshold) == (0.19, 0.2)
    assert above.asked == below.asked == [NLI]


@pytest.mark.parametrize("band", [BAND, None, Band(None, 0.8, 0, 100), Band(0.2, None, 100, 0)])
@pytest.mark.parametrize("score", [0.2, 0.5, 0.8])
async def test_inside_the_band_and_without_one_the_judge_decides(band: Band | None, score: float) -> None:
    """By its own threshold and with its evidence; both gates are paid for. The edges are inside."""
    gates = Gates(score, 0.6)
    said = await judged(gates, band)
    assert isinstance(said, Rejected) and gates.asked == [NLI, CAREFUL]
    assert (said.gate, said.score, said.threshold, said.cost) == (FAITHFULNESS, 0.6, 0.7, CHEAPLY + DEARLY)
    steps = (CascadeStep(NLI, score, CHEAPLY), CascadeStep(CAREFUL, 0.6, DEARLY))
    assert said.evidence == replace(CLAIM, cascade=Cascaded(steps, band))


async def test_a_side_without_an_edge_is_the_judges() -> None:
    """Bad probes have shown what may pass, good ones not yet what may be rejected, and the other way round."""
    for score, band in ((0.01, Band(None, 0.8, 0, 100)), (0.99, Band(0.2, None, 100, 0))):
        gates = Gates(score)
        await judged(gates, band)
        assert gates.asked == [NLI, CAREFUL]


async def test_a_cheap_gate_that_cannot_judge_leaves_it_to_the_judge() -> None:
    """A text that is too long for the classifier is no reason to lose the sample; what it failed of is told."""
    said = await judged(Gates(Errored(NLI, ErrorKind.PERMANENT, "too long", CHEAPLY)))
    assert isinstance(said, Passed) and said.evidence.cascade is not None
    assert said.evidence.cascade.steps[0] == CascadeStep(NLI, None, CHEAPLY, ErrorKind.PERMANENT)
    assert said.evidence.cascade.decided_by == CAREFUL


async def test_a_judge_that_cannot_judge_makes_an_error() -> None:
    """Never a rejection, and never the cheap gate's guess; all that was asked is paid for."""
    said = await judged(Gates(0.5, Errored(CAREFUL, ErrorKind.NONSENSE, "no verdict", DEARLY)))
    assert isinstance(said, Errored) and (said.gate, said.detail) == (FAITHFULNESS, "no verdict")
    assert said.cost == CHEAPLY + DEARLY
    assert said.cascade is not None and [step.gate for step in said.cascade.steps] == [NLI, CAREFUL]


async def test_the_bar_of_a_repaired_sample_holds_for_the_cheap_gate_too() -> None:
    """At attempt 4 the odds must be twice as high: 0.85 is above the band's edge of 0.8 and is judged all the same,
    0.9 passes, and the run's own bar then says the same of it."""
    assert raised(0.8, 4) == pytest.approx(0.888889)
    low, high = Gates(0.85), Gates(0.9)
    await judged(low, attempt=4, bar=raised_bar)
    said = await judged(high, attempt=4, bar=raised_bar)
    assert (low.asked, high.asked) == ([NLI, CAREFUL], [NLI])
    (held,) = raised_bar((said,), 4)
    assert isinstance(held, Passed) and held.threshold == raised(0.8, 4)


@given(
    st.floats(0, 1),
    st.floats(0, 1),
    st.none() | st.tuples(st.none() | st.floats(0, 1), st.none() | st.floats(0, 1)),
    st.integers(1, 5),
)
async def test_the_verdict_is_always_that_of_the_gate_it_names(
    cheap: float, judge: float, edges: tuple[float | None, float | None] | None, attempt: int
) -> None:
    """Whatever the scores and the band: score and outcome fit its threshold, and the last gate asked is the one that
    decided. The judge's word always stands."""
    band = None
    if edges is not None:
        low, high = edges if None in edges else sorted(edges)  # type: ignore[type-var]
        band = Band(low, high, 50, 50)
    gates = Gates(cheap, judge)
    said = await judged(gates, band, attempt=attempt, bar=raised_bar)
    assert isinstance(said, Passed | Rejected) and said.evidence.cascade is not None
    assert [step.gate for step in said.evidence.cascade.steps] == gates.asked
    assert isinstance(said, Passed) is (said.score >= said.threshold)
    assert said.score == (cheap if gates.asked == [NLI] else judge)
    if gates.asked == [NLI]:
        assert band is not None and (cheap > (band.high or 0) or cheap < (band.low or 0))
    else:
        assert isinstance(said, Passed) is (judge >= 0.7)


def gating(cheap: Says, judge: Says) -> Gating:
    scored = {
        REWARD: Says(passed(REWARD)),
        NLI: cheap,
        CAREFUL: judge,
        FAITHFULNESS: CascadeGate(FAITHFULNESS, CONFIG),
    }
    return Gating(Says(Passed(PROVENANCE, 1.0, 1.0)), scored, short_circuit=False, duplicate=duplicate_verdict)


async def conducted(cheap: Says, judge: Says, *, band: Band | None = BAND) -> Attempt:
    book = Book()
    bands = {} if band is None else {FAITHFULNESS: band}
    await conductor_of(book, Model(), gating(cheap, judge)).conduct(replace(lease(0), bands=bands))
    return book.outcomes[0].attempt


async def test_in_a_run_its_gates_have_no_verdict_of_their_own_and_are_paid_by_their_names() -> None:
    """One verdict stands for the three. A gate of a cascade is retried and paused like any other, by its name."""
    cheap, judge = Says(Rejected(NLI, 0.5, 0.7, cost=CHEAPLY)), Says(Passed(CAREFUL, 0.9, 0.7, cost=DEARLY))
    attempt = await conducted(cheap, judge)
    assert [said.gate for said in attempt.verdicts] == [PROVENANCE, REWARD, FAITHFULNESS]
    assert {role: cost.tokens for role, cost in paid_by_role(attempt) if role in (NLI, CAREFUL, FAITHFULNESS)} == {
        NLI: 5,
        CAREFUL: 120,
    }
    assert sum(cost.tokens for _, cost in paid_by_role(attempt)) == sum(
        cost.tokens for cost in (attempt.verdicts[-1].cost, *(said.cost for said in attempt.verdicts[:-1]))
    ) + (0 if attempt.candidate is None else attempt.candidate.cost.tokens)
    sure = await conducted(Says(Passed(NLI, 0.95, 0.5)), judge)
    assert len(judge.requests) == 1 and isinstance(sure.verdicts[-1], Passed)


class Fails:
    """A gate whose model gives nothing that can be read."""

    async def check(self, request: GateRequest) -> Verdict:
        raise JudgeError(ErrorKind.PERMANENT, "the claim is too long")


async def test_a_cascade_asked_outside_a_run_asks_its_own_gates() -> None:
    """As `gleaner gate-audit` and `gleaner check` do: without a band the judge decides, and its error is raised."""
    gate = CascadeGate(FAITHFULNESS, CONFIG, gates={NLI: Fails(), CAREFUL: Says(passed(CAREFUL))})
    said = await gate.check(asked_of_gate("Who?", "Oda Lind"))
    assert isinstance(said, Passed) and said.gate == FAITHFULNESS
    gate = CascadeGate(FAITHFULNESS, CONFIG, gates={NLI: Says(passed(NLI)), CAREFUL: Fails()})
    with pytest.raises(JudgeError, match="too long"):
        await gate.check(asked_of_gate("Who?", "Oda Lind"))


def rejected_by(steps: Sequence[CascadeStep], score: float, threshold: float) -> Attempt:
    verdict = Rejected(FAITHFULNESS, score, threshold, Evidence(cascade=Cascaded(tuple(steps), BAND)))
    return Attempt(1, None, candidate("Who?"), (Passed(PROVENANCE, 1.0, 1.0), verdict))


def test_recorded_scores_are_held_to_the_threshold_of_the_gate_that_gave_them() -> None:
    """A lowered threshold of the judge lets what it rejected pass; what the cheap gate rejected stays rejected, since
    its score is of another scale."""
    terms = PassingTerms({FAITHFULNESS: 0.1}, (PROVENANCE, FAITHFULNESS), same_bar)
    by_judge = rejected_by((CascadeStep(NLI, 0.5), CascadeStep(CAREFUL, 0.15)), 0.15, 0.7)
    by_cheap = rejected_by((CascadeStep(NLI, 0.15),), 0.15, 0.2)
    assert judged_anew(by_judge, terms) is not None
    assert judged_anew(by_cheap, terms) is None


def test_the_band_travels_with_the_lease_and_the_verdict_comes_back_whole() -> None:
    """Through the real wire, both ways: a conductor that misread either would judge by another band."""
    leased = replace(lease(0), bands={FAITHFULNESS: BAND})
    assert LEASES.decode(LEASES.encode([leased])) == [leased]
    cascade = Cascaded((CascadeStep(NLI, None, CHEAPLY, ErrorKind.PERMANENT), CascadeStep(CAREFUL, 0.9, DEARLY)), BAND)
    for said in (
        Passed(FAITHFULNESS, 0.9, 0.7, replace(CLAIM, cascade=cascade)),
        Errored(FAITHFULNESS, ErrorKind.NONSENSE, "no verdict", cascade=cascade),
    ):
        attempt = Attempt(1, None, candidate("Who?"), (said,))
        assert msgspec.json.decode(msgspec.json.encode(attempt), type=Attempt) == attempt
