"""The classifier form of both gates: what the model reads, and what its probabilities become."""

import math

import pytest

from actors.gates.build import build_gate
from actors.tasks import prompts
from schemas.config_engines import CustomEngine
from schemas.config_gates import Classifier
from schemas.errors import ErrorKind, JudgeError
from schemas.samples import qa
from schemas.verdicts import FAITHFULNESS, REWARD, GateName, Passed, Rejected
from tests.doubles.passages import HERON, asked_of_gate
from tests.doubles.scripted import ScriptedEngine

REQUEST = asked_of_gate("Who founded Amber Heron?", "Oda Lind")


def config(*, threshold: float = 0.5, positive_label: int = 1) -> Classifier:
    return Classifier(engine=CustomEngine("tests:none"), threshold=threshold, positive_label=positive_label)


async def test_the_faithfulness_classifier_reads_the_passage() -> None:
    """The very text that the judge was trained on."""
    engine = ScriptedEngine()
    await build_gate(FAITHFULNESS, config(), engine).check(REQUEST)
    assert engine.texts == [prompts.judged(HERON, qa("Who founded Amber Heron?", "Oda Lind"))]


async def test_the_reward_classifier_does_not_see_the_passage() -> None:
    """Quality is scored blind, so that the two gates fail on different samples."""
    engine = ScriptedEngine()
    await build_gate(REWARD, config(), engine).check(REQUEST)
    assert engine.texts == ["Question: Who founded Amber Heron?\nAnswer: Oda Lind"]


@pytest.mark.parametrize("name", [FAITHFULNESS, REWARD])
@pytest.mark.parametrize(("threshold", "verdict"), [(0.79, Passed), (0.8, Passed), (0.81, Rejected)])
async def test_the_score_is_held_against_the_threshold(
    name: GateName, threshold: float, verdict: type[Passed | Rejected]
) -> None:
    """The positive label's probability, at least the threshold; the tokens are counted either way."""
    judged = await build_gate(name, config(threshold=threshold), ScriptedEngine()).check(REQUEST)
    assert isinstance(judged, verdict)
    assert (judged.gate, judged.score, judged.threshold, judged.cost.tokens) == (name, 0.8, threshold, 40)


async def test_a_label_that_the_model_lacks_is_a_permanent_error() -> None:
    """A single-logit model configured as a two-label one says which key to mend, and is not asked again."""
    gate = build_gate(REWARD, config(), ScriptedEngine(probabilities=(0.9,)))
    with pytest.raises(JudgeError, match=r"gates\.reward\.positive_label is 1, but the model has 1 labels") as raised:
        await gate.check(REQUEST)
    assert raised.value.kind is ErrorKind.PERMANENT


@pytest.mark.parametrize("broken", [math.nan, -0.1, 1.1, math.inf])
async def test_what_is_no_probability_is_no_score(broken: float) -> None:
    """Weights in the wrong precision give NaN: an error, not a rejection."""
    gate = build_gate(REWARD, config(), ScriptedEngine(probabilities=(0.1, broken)))
    with pytest.raises(JudgeError) as raised:
        await gate.check(REQUEST)
    assert raised.value.kind is ErrorKind.NONSENSE
