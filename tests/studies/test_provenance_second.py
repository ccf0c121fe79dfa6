"""What the second plan of the first paper's study is made of: its control of diagnosis, its corpora, its sources."""

import ast
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from actors.gates.evidence import RetrievedSource
from actors.gates.retrieval import Bm25Retriever
from actors.recovery.policies import build_recovery
from schemas.config import Corpus, Recovery
from schemas.flaws import FlawKind, Worth
from schemas.ids import PoolName
from schemas.orders import AttemptSummary, Lease
from schemas.recovery import (
    KNOWN_MODES,
    Choice,
    Diagnosis,
    Experience,
    Modes,
    Repair,
    RepairCount,
    Repairs,
    RepairTurn,
)
from schemas.samples import Candidate, Completion, Cost, Draft, Prompt, Sampling, answered
from schemas.verdicts import FAITHFULNESS, FORMAT, REWARD, Passed, Rejected, Verdict
from studies.almanac.exam import exam, plain_exam
from studies.almanac.phrases import OF_KIND
from studies.almanac.prose import ask_about
from studies.almanac.world import CANON_ENTITIES, CANON_SEED, Entity, Fact, canon
from studies.provenance import unseen
from studies.provenance.failures import RIGHT, Failure, blind, failure_of, told_by
from studies.provenance.plan import SMOKE, Setting
from studies.provenance.sources import shown_by
from studies.provenance.unseen import UnseenInjector
from studies.provenance.warm import Warm, pooled, weighed
from studies.provenance.world import COOL, run_config
from tests.doubles.passages import lease_of


def told_of(papers) -> list:
    return [entity for told in papers for entity in {fact.entity for fact in told.passage.facts}]


def test_a_plain_corpus_tells_of_each_entity_once_and_the_other_one_contradicts_itself() -> None:
    """What half of the first study's effect came from is in the one and not in the other."""
    plain, editions = told_of(plain_exam(960, seed=3)), told_of(exam(960, seed=3))
    assert len(plain) == len(set(plain)) == 1920
    assert len(set(editions)) < len(editions) - 500
    assert plain_exam(8, seed=3) == plain_exam(8, seed=3) != plain_exam(8, seed=4)


def test_names_run_out_with_a_word() -> None:
    with pytest.raises(ValueError, match="there are no names for 2000 passages"):
        plain_exam(2000, seed=0)


def test_sources_are_named_as_the_plans_arms() -> None:
    """One passage and three for each search, the own passage, and nothing."""
    found = shown_by({"bm25": Bm25Retriever([]), "minilm": Bm25Retriever([])})
    assert list(found) == ["exact", "bm25_k1", "bm25_k3", "minilm_k1", "minilm_k3", "none"]
    assert all(isinstance(found[name], RetrievedSource) for name in found if "_k" in name)


WRONG = answered("Who founded Amber Heron?", "Jon Berg")
REJECTIONS: list[tuple[Draft | None, tuple[Verdict, ...]]] = [
    (WRONG, (Rejected(FAITHFULNESS, 0.1, 0.5), Passed(REWARD, 0.9, 0.5))),
    (WRONG, (Passed(FAITHFULNESS, 0.9, 0.5), Rejected(REWARD, 0.1, 0.5))),
    (None, (Rejected(FORMAT, 0.0, 1.0),)),
]


@pytest.mark.parametrize("draft, verdicts", REJECTIONS)
def test_the_control_of_diagnosis_cools_whatever_is_wrong(draft: Draft | None, verdicts: tuple[Verdict, ...]) -> None:
    """The diagnosis is made and takes no part: each attempt is asked for at half of the last temperature, until the
    attempts of every arm are spent. The table itself repairs the first of these otherwise."""
    setting = Setting("middle", 0.8)
    cool, rules = (
        build_recovery(run_config(SMOKE, Corpus(paths=("a",)), seed=0, setting=setting, policy=name).recovery)
        for name in (COOL, "rules")
    )
    heat, lease = 0.8, lease_of()
    for attempt in range(1, SMOKE.max_attempts + 1):
        said = Candidate(PoolName("generator"), (), Sampling(temperature=heat), "text", draft, Cost())
        _, choice = cool.decide(lease, said, verdicts)
        if attempt == SMOKE.max_attempts:
            assert choice.repair is None
            break
        assert choice.repair is not None
        assert (choice.repair.kind, choice.repair.temperature) == (Repairs.LOWER_TEMPERATURE, heat / 2)
        heat /= 2
        history = (
            AttemptSummary("unknown", None),
            *[AttemptSummary("unknown", Repairs.LOWER_TEMPERATURE)] * (attempt - 1),
        )
        lease = lease_of(attempt=attempt + 1, repair=Repair(Repairs.LOWER_TEMPERATURE, heat), history=history)
    said = Candidate(PoolName("generator"), (), Sampling(temperature=0.8), "text", WRONG, Cost())
    _, by_table = rules.decide(lease_of(), said, REJECTIONS[0][1])
    assert by_table.repair is not None and by_table.repair.kind != Repairs.LOWER_TEMPERATURE


HERON, SWAN = Entity("ship", "Amber", "Heron"), Entity("ship", "Fern", "Swan")
LAUNCHED = next(one for one in OF_KIND["ship"] if one.type == "year")
OTHER = next(one for one in OF_KIND["ship"] if one.type not in ("year", "count"))


def asks(entity: Entity) -> str:
    return ask_about(entity, LAUNCHED, random.Random(0))


@pytest.mark.parametrize(
    "question, answer, why",
    [
        (asks(HERON), "1623", None),
        (asks(HERON), "perhaps 1623", Failure.POOR_ANSWER),
        (asks(HERON), "1650", Failure.ELSEWHERE),
        (asks(HERON), "value", Failure.BESIDE),
        (asks(HERON), "1700", Failure.REMEMBERED),
        (asks(HERON), "1699", Failure.MADE_UP),
        (asks(HERON), "sometime", Failure.POOR_ANSWER),
        (asks(SWAN), "1699", Failure.OTHER_SUBJECT),
        ("When?", "1623", Failure.POOR_QUESTION),
    ],
)
def test_the_world_names_a_failure(question: str, answer: str, why: Failure | None) -> None:
    """By what this passage tells, what others tell of the same ship, and what the canon had."""
    here = (Fact(HERON, LAUNCHED, "1623"), Fact(HERON, OTHER, "value"))
    told = told_by([here, (Fact(HERON, LAUNCHED, "1650"),)])
    remembered = {HERON: {LAUNCHED.key: "1700"}}
    assert failure_of(answered(question, answer), here, told, remembered) is why


def test_every_failure_has_right_diagnoses_which_the_diagnoser_knows() -> None:
    """And none that a gate names by itself."""
    assert set(RIGHT) == set(Failure)
    named = frozenset().union(*RIGHT.values())
    assert named <= set(KNOWN_MODES) - {Modes.MALFORMED, Modes.NEAR_DUPLICATE, Modes.WRONG_ANSWER}


CORPORA = {"plain": plain_exam(240, seed=5), "editions": exam(240, seed=5)}
INJECTORS = {
    name: UnseenInjector([fact for told in papers for fact in told.passage.facts], seed=0)
    for name, papers in CORPORA.items()
}


async def nobody(prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
    raise AssertionError("the world needs no model to know")


@pytest.mark.parametrize("name", CORPORA)
async def test_what_the_new_injector_spoils_is_bad_in_the_way_it_says(name: str) -> None:
    """On every passage of both kinds of corpora, by the world's own name of the failure."""
    told = told_by(one.passage.facts for one in CORPORA[name])
    edition = canon(CANON_SEED, entities=CANON_ENTITIES)
    named = {
        FlawKind.CONTRADICTS_SOURCE: {Failure.MADE_UP, Failure.BESIDE, Failure.ELSEWHERE, Failure.REMEMBERED},
        FlawKind.CROSS_PASSAGE: {Failure.MADE_UP, Failure.BESIDE, Failure.ELSEWHERE, Failure.REMEMBERED},
        FlawKind.INSTRUCTION_QUALITY: {Failure.POOR_QUESTION},
        FlawKind.RESPONSE_QUALITY: {Failure.POOR_ANSWER},
    }
    seen: set[FlawKind] = set()
    for paper in CORPORA[name]:
        lease, injector = lease_of(paper.passage.text), INJECTORS[name]
        for kind in injector.kinds(lease.passage):
            draft = await injector.spoil(kind, lease, WRONG, nobody)
            assert draft is not None
            assert await injector.worth(kind, lease, draft, nobody) is Worth.BAD
            assert failure_of(draft, paper.passage.facts, told, edition) in named[kind]
            seen.add(kind)
    assert seen == set(named)


def test_no_flaw_of_the_new_injector_makes_training_data() -> None:
    """What gates are taught with is not imported, so that its recall is not of what they have learnt by heart."""
    tree = ast.parse(Path(unseen.__file__).read_text())
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names.isdisjoint({"studies.almanac.flaws", "studies.almanac.claims", "studies.almanac.data"})


def test_it_is_silent_where_the_passage_is_none_of_the_worlds() -> None:
    lease = lease_of("A text about nothing.")
    assert INJECTORS["plain"].kinds(lease.passage) == frozenset()


M, R, T = Modes.PARAMETRIC, Repairs.STRICT_GROUNDING, RepairTurn.FIRST
PAID = (RepairCount(M, Repairs.EDIT_UNSUPPORTED, T, 100, 20, 9000), RepairCount(M, R, T, 100, 80, 9000))
PRIOR = Experience(attempts=400, repairs=PAID, fresh_tried=200, fresh_accepted=120, fresh_tokens=20000)


class Remembers:
    """A policy that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Experience] = []

    def decide(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]:
        return Diagnosis(M, 1.0), Choice("remembers", None)

    def learn(self, experience: Experience) -> None:
        self.told.append(experience)


def test_a_warm_policy_begins_with_the_prior_and_adds_the_runs_own_once() -> None:
    """A run tells all of its experience each time, so the prior is added to the last one and not to the one before."""
    policy = Remembers()
    warm = Warm(policy, PRIOR)
    own = Experience(attempts=10, repairs=(RepairCount(M, R, T, 6, 3, 500),), fresh_tried=4, fresh_tokens=300)
    warm.learn(own)
    warm.learn(own)
    assert policy.told[0] == PRIOR and policy.told[1] == policy.told[2]
    (cell,) = (one for one in policy.told[1].repairs if one.repair == R)
    assert (cell.tried, cell.accepted, cell.tokens) == (106, 83, 9500)
    assert (policy.told[1].attempts, policy.told[1].fresh_tried, policy.told[1].fresh_tokens) == (410, 204, 20300)


def test_the_products_policy_goes_by_the_prior_from_its_first_choice() -> None:
    """Cold, both repairs are drawn; warm, the one that paid four times as often is nearly always chosen."""
    config = Recovery(policy="adaptive", repairs={str(M): (str(R), str(Repairs.EDIT_UNSUPPORTED))})
    said = Candidate(PoolName("generator"), (), Sampling(temperature=0.7), "text", WRONG, Cost())
    warm = Warm(build_recovery(config), PRIOR)
    chances = [policy.decide(lease_of(), said, REJECTIONS[0][1])[1] for policy in (build_recovery(config), warm)]
    cold, known = (
        choice.probability if choice.repair and choice.repair.kind == R else 1 - choice.probability
        for choice in chances
    )
    assert cold < 0.8 < known


def test_a_prior_is_scaled_to_so_many_tries() -> None:
    """Shares stay; one that is small enough is left as it is."""
    small = weighed(PRIOR, 50)
    assert [(one.tried, one.accepted, one.tokens) for one in small.repairs] == [(25, 5, 2250), (25, 20, 2250)]
    assert (small.fresh_tried, small.fresh_accepted) == (50, 30)
    assert weighed(PRIOR, 1000) == PRIOR == pooled([PRIOR])


def test_a_blind_diagnosis_cannot_read_how_the_draft_was_drawn() -> None:
    """At 1.2 the diagnoser blames words that the passage has not on the heat; blind, it must go by the words."""
    hot = Candidate(PoolName("generator"), (), Sampling(temperature=1.2), "text", WRONG, Cost())
    recovery = build_recovery(Recovery("discard"))
    seeing, unseeing = (recovery.decide(lease_of(), said, REJECTIONS[0][1])[0].mode for said in (hot, blind(hot)))
    assert (seeing, unseeing) == (Modes.TEMPERATURE, Modes.PARAMETRIC)
    assert hot.sampling.temperature == 1.2
