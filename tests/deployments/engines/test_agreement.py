"""The engines agree on what judges are judged by: one tiny model in transformers, in vLLM, and behind `vllm serve`,
gives the same likelihoods within 1e-3: a gate's score is a model's and not an engine's. (That they give the same first
tokens is asked of the engines that the conformance suite has started.)"""

import asyncio

import pytest
from msgspec.structs import replace

from actors.gates import likelihood
from actors.gates.build import build_gate
from actors.gates.evidence import EXACT
from actors.protocols import ScoreText
from schemas.config_engines import CustomEngine
from schemas.config_gates import LikelihoodJudge
from schemas.errors import EngineError, ErrorKind
from schemas.samples import Message, ScoringRequest
from schemas.verdicts import FAITHFULNESS, Passed, Rejected
from tests.deployments.engines.conftest import TinyModels
from tests.deployments.engines.references import chat, score_reference
from tests.deployments.engines.subjects import Subject, scorer
from tests.doubles.passages import asked_of_gate
from tests.doubles.tiny_models import LONGEST

__all__ = ["scorer"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
SAID = ("Oda Lind", "In 1700, by Oda Lindström – the founder.", "x")
CLOSE = 1e-3


def asked(content: str, said: str) -> ScoringRequest:
    return ScoringRequest(f"{content}/{said}", (*chat(content).messages, Message("assistant", said)))


async def scores(subject: Subject, request: ScoringRequest) -> list[float]:
    assert isinstance(subject.engine, ScoreText)
    async with asyncio.timeout(60):
        found = await subject.engine.score(request)
    return [token.logprob for token in found.tokens]


async def test_likelihoods_are_the_model_s(scorer: Subject, tiny: TinyModels) -> None:
    """One for each token of what is said, together with others of other lengths, as the plain model has them."""
    pairs = [(content, said) for content in ("Hello you", "Who founded it? " * 20) for said in SAID]
    found = await asyncio.gather(*(scores(scorer, asked(*pair)) for pair in pairs))
    for pair, logprobs in zip(pairs, found, strict=True):
        assert logprobs == pytest.approx(score_reference(tiny, *pair), abs=CLOSE)


async def test_a_likelihood_s_score_is_the_model_s(scorer: Subject, tiny: TinyModels) -> None:
    """The gate over each engine gives what two readings of the plain model give."""
    request = asked_of_gate("Who founded Amber Heron?", "Oda Lind")
    config = LikelihoodJudge(CustomEngine("tests:none"), gain="mean")
    verdict = await build_gate(FAITHFULNESS, config, scorer.engine).check(request)
    assert isinstance(verdict, Passed | Rejected)
    passages = (await EXACT.grounds(request)).passages
    told, alone = (likelihood.messages(request, shown) for shown in (passages, ()))
    plain = [_plain(tiny, messages) for messages in (told, alone)]
    mean = sum(a - b for a, b in zip(*plain, strict=True)) / len(plain[0])
    assert verdict.score == pytest.approx(likelihood.logistic(mean), abs=CLOSE)


def _plain(tiny: TinyModels, messages: tuple[Message, ...]) -> list[float]:
    system, user, said = (message.content for message in messages)
    return score_reference(tiny, user, said, system=system)


async def test_a_text_that_is_too_long_has_no_likelihood(scorer: Subject) -> None:
    """It will never fit: a permanent error, and the engine goes on."""
    with pytest.raises(EngineError) as raised:
        await scores(scorer, asked("Hello you", "y" * (LONGEST + 100)))
    assert raised.value.kind is ErrorKind.PERMANENT
    with pytest.raises(EngineError) as raised:
        await scores(scorer, replace(asked("Hello you", "y"), messages=chat("Hello you").messages))
    assert raised.value.kind is ErrorKind.PERMANENT
    assert await scores(scorer, asked("Hello you", "y"))
