"""What the almanac's injector spoils is bad, whatever the passage and whatever the generator wrote."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.injection import InjectionKind, Worth
from schemas.orders import Lease
from schemas.samples import Completion, Draft, GenerationRequest, Message, Sampling, answered
from studies.almanac.exam import exam
from studies.almanac.injector import HOT, AlmanacInjector
from studies.almanac.prose import ask_about
from studies.almanac.truth import Faithful, Unfaithful, check, well_worded
from tests.doubles.passages import lease_of, passage_of

PAPERS = exam(60, seed=11)
INJECTOR = AlmanacInjector([fact for told in PAPERS for fact in told.passage.facts], seed=0)
BY_CONSTRUCTION = sorted(set(InjectionKind) - {InjectionKind.HIGH_TEMPERATURE}, key=lambda kind: kind.value)
WORDING = {InjectionKind.INSTRUCTION_QUALITY, InjectionKind.RESPONSE_QUALITY}


async def nobody(pool: str, request: GenerationRequest) -> Completion:
    raise AssertionError("the almanac needs no model to know")


def written(told_number: int, rng: random.Random) -> Draft | None:
    """What a generator may have written: a right sample, one about something else, or nothing that parses."""
    told = PAPERS[told_number]
    fact = rng.choice(told.passage.facts)
    right = answered(ask_about(fact.entity, fact.attribute, rng), fact.value)
    return rng.choice((right, answered("What is this?", "Something."), None))


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(PAPERS) - 1), st.sampled_from(BY_CONSTRUCTION), st.randoms(use_true_random=False))
async def test_every_injection_is_bad(number: int, kind: InjectionKind, rng: random.Random) -> None:
    """Every kind that a passage allows gives a sample that the world knows to be bad, in the way that it is named."""
    lease = lease_of(PAPERS[number].passage.text)
    if kind not in INJECTOR.kinds(lease.passage):
        return
    draft = INJECTOR.draft(kind, lease, written(number, rng))
    assert draft is not None
    worth, cost = await INJECTOR.worth(kind, lease, draft, nobody)
    assert (worth, cost.tokens) == (Worth.BAD, 0)
    truth = check(lease.passage.text, question=draft.question, answer=draft.answer)
    if kind in WORDING:
        assert not well_worded(draft.question, draft.answer)
    else:
        assert well_worded(draft.question, draft.answer)
        assert isinstance(truth, Unfaithful)


def test_memory_is_injected_where_it_differs_and_nowhere_else() -> None:
    """Held-out passages have no canon: of theirs nothing can be remembered; revised ones give the canon's value."""
    for told in PAPERS:
        lease = lease_of(told.passage.text)
        if told.canon is None:
            assert InjectionKind.PARAMETRIC not in INJECTOR.kinds(lease.passage)
            continue
        if InjectionKind.PARAMETRIC in INJECTOR.kinds(lease.passage):
            draft = INJECTOR.draft(InjectionKind.PARAMETRIC, lease, None)
            assert draft is not None
            truth = check(lease.passage.text, question=draft.question, answer=draft.answer)
            assert isinstance(truth, Unfaithful)
            assert truth.stated is not None


def test_a_fact_of_another_passage_is_stated_there() -> None:
    """Cross-passage: the sample would be perfect, were it made from the other passage."""
    texts = [told.passage.text for told in PAPERS]
    for told in PAPERS:
        lease = lease_of(told.passage.text)
        draft = INJECTOR.draft(InjectionKind.CROSS_PASSAGE, lease, None)
        assert draft is not None
        elsewhere = [check(text, question=draft.question, answer=draft.answer) for text in texts]
        assert any(isinstance(truth, Faithful) for truth in elsewhere)


async def test_a_hot_draw_that_comes_out_right_is_said_to_be_good() -> None:
    """High temperature promises nothing: the sample stays as it was drawn, and the world says what it is worth."""
    told = PAPERS[0]
    lease: Lease = lease_of(told.passage.text)
    asked = GenerationRequest("r", (Message("user", "ask"),), Sampling(temperature=0.7))
    hot = INJECTOR.request(InjectionKind.HIGH_TEMPERATURE, lease, asked)
    assert (hot.sampling.temperature, hot.messages) == (HOT, asked.messages)
    assert INJECTOR.request(InjectionKind.PARAMETRIC, lease, asked) == asked
    fact = told.passage.facts[0]
    right = answered(ask_about(fact.entity, fact.attribute, random.Random(0)), fact.value)
    assert INJECTOR.draft(InjectionKind.HIGH_TEMPERATURE, lease, right) == right
    assert (await INJECTOR.worth(InjectionKind.HIGH_TEMPERATURE, lease, right, nobody))[0] is Worth.GOOD


def test_a_passage_of_another_world_is_left_alone() -> None:
    """What the almanac does not understand it does not spoil."""
    assert not INJECTOR.kinds(passage_of("The cat sat on the mat."))
