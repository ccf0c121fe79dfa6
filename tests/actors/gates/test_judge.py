"""Any number of gates, by name: side by side or in order, rules that read the others' scores, failure modes that gates
bring, and counts of whatever gates a run has."""

import asyncio

from actors.conductor import Gating
from actors.counts.overlap import OverlapFold
from actors.counts.together import together
from actors.gates.diversity import duplicate_verdict
from actors.gates.own import ExpressionGate, OwnSettings
from actors.gates.rules import read_rule
from actors.protocols import Gate
from actors.recovery.diagnoser import diagnose
from actors.recovery.evidence import evidence_of
from actors.recovery.modes import RunGates
from actors.recovery.policies import build_bar, build_recovery
from actors.report.overlap import overlap_figure
from schemas.config import Recovery
from schemas.ids import PoolName
from schemas.orders import Attempt
from schemas.overlap import GateOverlap, RejectedTogether
from schemas.progress import Summary
from schemas.recovery import FailureMode, Modes, Repairs
from schemas.samples import Candidate, Cost, Sampling, answered
from schemas.verdicts import FAITHFULNESS, PROVENANCE, REWARD, GateName, GateRequest, Passed, Rejected, Verdict
from tests.doubles.conductors import Book, Model, conductor_of, lease
from tests.doubles.passages import lease_of

STRICT, SHORT, MINE = GateName("strict"), GateName("short"), GateName("mine")
TOO_LONG = FailureMode("too_long")


class Says:
    """A gate that says one thing, and remembers when it was asked."""

    def __init__(self, verdict: Verdict, seen: list[GateName]) -> None:
        self._verdict = verdict
        self._seen = seen

    async def check(self, request: GateRequest) -> Verdict:
        self._seen.append(self._verdict.gate)
        await asyncio.sleep(0)
        return self._verdict


def passed(gate: GateName, score: float = 0.9) -> Passed:
    return Passed(gate, score, 0.5)


def rejected(gate: GateName, score: float = 0.1, mode: FailureMode | None = None) -> Rejected:
    return Rejected(gate, score, 0.5, mode=mode)


async def judged(scored: dict[GateName, Gate], *, short_circuit: bool = False) -> Attempt:
    """What one attempt of a conductor with these gates came to."""
    book = Book()
    after = frozenset({MINE}) & scored.keys()
    gates = Gating(Says(Passed(PROVENANCE, 1.0, 1.0), []), scored, short_circuit, duplicate_verdict, after=after)
    await conductor_of(book, Model(), gates).conduct(lease())
    return book.outcomes[0].attempt


async def test_no_gate_at_all() -> None:
    """Nothing but the checks that every run has."""
    attempt = await judged({})
    assert [said.gate for said in attempt.verdicts] == [PROVENANCE]


async def test_two_judges_of_one_kind_and_a_third() -> None:
    """Each by its name, in the order of the configuration."""
    seen: list[GateName] = []
    verdicts = {name: passed(name) for name in (STRICT, FAITHFULNESS, REWARD, SHORT)}
    attempt = await judged({name: Says(said, seen) for name, said in verdicts.items()})
    assert [said.gate for said in attempt.verdicts] == [PROVENANCE, STRICT, FAITHFULNESS, REWARD, SHORT]
    assert {said.gate for said in attempt.verdicts} == {PROVENANCE, *seen}


async def test_in_order_up_to_the_first_that_does_not_pass() -> None:
    """`judging.short_circuit`: in the configuration's order."""
    seen: list[GateName] = []
    verdicts: dict[GateName, Verdict] = {SHORT: passed(SHORT), STRICT: rejected(STRICT), REWARD: passed(REWARD)}
    attempt = await judged({name: Says(said, seen) for name, said in verdicts.items()}, short_circuit=True)
    assert [said.gate for said in attempt.verdicts] == [PROVENANCE, SHORT, STRICT]
    assert seen == [SHORT, STRICT]


async def test_a_rule_reads_the_scores_of_the_others() -> None:
    """It is asked when they have spoken, and stands where the configuration has it."""
    rule = ExpressionGate(OwnSettings(MINE), read_rule("score('reward') * score('strict') >= 0.5"))
    seen: list[GateName] = []
    others = {STRICT: Says(passed(STRICT, 0.8), seen), REWARD: Says(passed(REWARD, 0.7), seen)}
    attempt = await judged({MINE: rule, **others})
    assert [said.gate for said in attempt.verdicts] == [PROVENANCE, MINE, STRICT, REWARD]
    assert attempt.verdicts[1].gate == MINE and isinstance(attempt.verdicts[1], Passed)


def candidate() -> Candidate:
    draft = answered("Who founded Amber Heron?", "Jon Berg")
    return Candidate(PoolName("generator"), (), Sampling(0.7), "text", draft, Cost())


def test_a_mode_that_a_gate_brings_is_the_diagnosis() -> None:
    """Whatever the words of the draft say; the repair stands in the gate's configuration, or it is drawn again."""
    verdicts = (rejected(FAITHFULNESS), rejected(SHORT, mode=TOO_LONG))
    found = diagnose(evidence_of(lease_of(), candidate(), verdicts))
    assert (found.mode, found.reasons[0]) == (TOO_LONG, "the short gate says so")
    for repairs, expected in (
        ({TOO_LONG: Repairs.STRICT_GROUNDING}, Repairs.STRICT_GROUNDING),
        ({}, Repairs.RESAMPLE),
    ):
        _, choice = build_recovery(Recovery(), gates=RunGates(repairs=repairs)).decide(
            lease_of(), candidate(), verdicts
        )
        assert choice.repair is not None and choice.repair.kind is expected
        learned = build_recovery(Recovery("adaptive"), gates=RunGates(repairs=repairs))
        assert learned.decide(lease_of(), candidate(), verdicts)[0].mode == TOO_LONG


def test_a_second_judge_of_the_source_is_diagnosed_as_the_first() -> None:
    """And held to the raised bar as well."""
    known = RunGates(kinds={STRICT: FAITHFULNESS})
    found = diagnose(evidence_of(lease_of(), candidate(), (rejected(STRICT),), gates=known))
    assert found.mode == Modes.PARAMETRIC
    bar = build_bar(Recovery(), known)
    held, other = bar((passed(STRICT, 0.55), passed(MINE, 0.55)), 2)
    assert isinstance(held, Rejected) and held.evidence.raised is not None
    assert isinstance(other, Passed)


def overlap_of(*attempts: tuple[Verdict, ...]) -> GateOverlap:
    tally = OverlapFold()
    for verdicts in attempts:
        tally.add(verdicts)
    return tally.overlap()


def test_the_overlap_of_the_usual_two_is_what_it_was() -> None:
    """No set of its own: the numbers of the pair say all."""
    both = (rejected(FAITHFULNESS), rejected(REWARD))
    found = overlap_of(both, both, (rejected(FAITHFULNESS), passed(REWARD)), (passed(FAITHFULNESS), passed(REWARD)))
    assert found == GateOverlap(scored=4, both=2, only_faithfulness=1, only_reward=0)
    assert found.rejected == {(FAITHFULNESS, REWARD): 2, (FAITHFULNESS,): 1}


def test_the_overlap_of_any_number_of_gates() -> None:
    """Which alone and which together; of the usual pair the same as ever; shards add up."""
    three = overlap_of(
        (rejected(FAITHFULNESS), rejected(REWARD), rejected(SHORT)),
        (rejected(FAITHFULNESS), passed(REWARD), rejected(SHORT)),
        (passed(FAITHFULNESS), passed(REWARD), rejected(SHORT)),
        (passed(FAITHFULNESS), passed(REWARD), passed(SHORT)),
    )
    assert (three.scored, three.both, three.only_faithfulness, three.only_reward) == (4, 1, 1, 0)
    assert three.rejected == {(FAITHFULNESS, REWARD, SHORT): 1, (FAITHFULNESS, SHORT): 1, (SHORT,): 1}
    scored = (FAITHFULNESS, REWARD, SHORT)
    assert RejectedTogether(scored, (), 1) in three.compared and RejectedTogether(scored, (SHORT,), 1) in three.sets
    pair = overlap_of((rejected(FAITHFULNESS), passed(REWARD)))
    summed = together([Summary(overlap=three), Summary(overlap=pair), Summary(overlap=three)]).overlap
    assert (summed.scored, summed.only_faithfulness) == (9, 3)
    assert summed.rejected[(SHORT,)] == 2
    assert sum(row.attempts for row in summed.compared) == 9


def test_the_figure_of_any_gates() -> None:
    """Two are circles under their own names, more are bars; nothing is drawn of nothing."""
    two = overlap_figure(overlap_of((rejected(STRICT), passed(SHORT)), (rejected(STRICT), rejected(SHORT))))
    assert "strict 2" in two and "short 1" in two and "circle" in two
    three = overlap_figure(overlap_of((rejected(STRICT), passed(SHORT), rejected(MINE))))
    assert "mine + strict" in three and "circle" not in three
    assert "no gate rejected anything" in overlap_figure(overlap_of((passed(STRICT), passed(SHORT), passed(MINE))))
