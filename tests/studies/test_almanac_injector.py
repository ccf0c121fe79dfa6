"""What the almanac's injector spoils is bad, whatever the passage and whatever the generator wrote."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.flaws import FlawKind, Worth
from schemas.ids import PoolName
from schemas.samples import Completion, Draft, Prompt, answered
from studies.almanac.exam import exam
from studies.almanac.injector import AlmanacInjector
from studies.almanac.prose import ask_about
from studies.almanac.truth import Faithful, Unfaithful, check, well_worded
from tests.doubles.passages import lease_of, passage_of

PAPERS = exam(60, seed=11)
INJECTOR = AlmanacInjector([fact for told in PAPERS for fact in told.passage.facts], seed=0)
BY_CONSTRUCTION = sorted(set(FlawKind) - {FlawKind.HIGH_TEMPERATURE}, key=lambda kind: kind.value)
OTHER = answered("What is this?", "Something.")
WORDING = {FlawKind.INSTRUCTION_QUALITY, FlawKind.RESPONSE_QUALITY}


async def nobody(prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
    raise AssertionError("the almanac needs no model to know")


def written(told_number: int, rng: random.Random) -> Draft:
    """What a generator may have written: a right sample, or one about something else."""
    told = PAPERS[told_number]
    fact = rng.choice(told.passage.facts)
    right = answered(ask_about(fact.entity, fact.attribute, rng), fact.value)
    return rng.choice((right, answered("What is this?", "Something.")))


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(PAPERS) - 1), st.sampled_from(BY_CONSTRUCTION), st.randoms(use_true_random=False))
async def test_every_spoilt_draft_is_bad(number: int, kind: FlawKind, rng: random.Random) -> None:
    """Every kind that a passage allows gives a sample that the world knows to be bad, in the way that it is named."""
    lease = lease_of(PAPERS[number].passage.text)
    if kind not in INJECTOR.kinds(lease.passage):
        return
    draft = await INJECTOR.spoil(kind, lease, written(number, rng), nobody)
    assert draft is not None
    assert await INJECTOR.worth(kind, lease, draft, nobody) is Worth.BAD
    truth = check(lease.passage.text, question=draft.question, answer=draft.answer)
    if kind in WORDING:
        assert not well_worded(draft.question, draft.answer)
    else:
        assert well_worded(draft.question, draft.answer)
        assert isinstance(truth, Unfaithful)


async def test_memory_speaks_where_it_differs_and_nowhere_else() -> None:
    """Held-out passages have no canon: of theirs nothing can be remembered; revised ones give the canon's value."""
    for told in PAPERS:
        lease = lease_of(told.passage.text)
        if told.canon is None:
            assert FlawKind.PARAMETRIC not in INJECTOR.kinds(lease.passage)
            continue
        if FlawKind.PARAMETRIC in INJECTOR.kinds(lease.passage):
            draft = await INJECTOR.spoil(FlawKind.PARAMETRIC, lease, OTHER, nobody)
            assert draft is not None
            truth = check(lease.passage.text, question=draft.question, answer=draft.answer)
            assert isinstance(truth, Unfaithful)
            assert truth.stated is not None


async def test_a_fact_of_another_passage_is_stated_there() -> None:
    """Cross-passage: the sample would be perfect, were it made from the other passage."""
    texts = [told.passage.text for told in PAPERS]
    for told in PAPERS:
        lease = lease_of(told.passage.text)
        draft = await INJECTOR.spoil(FlawKind.CROSS_PASSAGE, lease, OTHER, nobody)
        assert draft is not None
        elsewhere = [check(text, question=draft.question, answer=draft.answer) for text in texts]
        assert any(isinstance(truth, Faithful) for truth in elsewhere)


async def test_a_hot_draw_that_comes_out_right_is_said_to_be_good() -> None:
    """High temperature promises nothing: the run draws it, and the world says what it is worth."""
    told = PAPERS[0]
    lease = lease_of(told.passage.text)
    fact = told.passage.facts[0]
    right = answered(ask_about(fact.entity, fact.attribute, random.Random(0)), fact.value)
    assert await INJECTOR.worth(FlawKind.HIGH_TEMPERATURE, lease, right, nobody) is Worth.GOOD


def test_a_passage_of_another_world_is_left_alone() -> None:
    """What the almanac does not understand it does not spoil."""
    assert not INJECTOR.kinds(passage_of("The cat sat on the mat."))
