"""The likelihood form of a gate: what is read twice, and what the two readings become."""

import asyncio
import math

import pytest

from actors.gates import likelihood
from actors.gates.build import build_gate
from actors.gates.evidence import Grounds, NoSource
from actors.tasks.prompts import WORD_JOINER
from schemas.config_engines import CustomEngine
from schemas.config_gates import LikelihoodJudge
from schemas.errors import ConfigError, EngineError, ErrorKind, JudgeError
from schemas.samples import Cost, LikelyToken, Scoring, ScoringRequest
from schemas.verdicts import FAITHFULNESS, REWARD, Evidence, GateRequest, Passed, Rejected, Shown, Verdict
from tests.doubles.passages import HERON, asked_of_gate
from tests.doubles.scripted import ScriptedEngine

CONFIG = LikelihoodJudge(CustomEngine("tests:none"))
REQUEST = asked_of_gate("Who founded Amber Heron?", " Oda Lind in 1700 ")


class Reads(ScriptedEngine):
    """Gives its log-probabilities, with the passage and without it, to the words of what is said."""

    def __init__(self, told: list[float], alone: list[float]) -> None:
        super().__init__()
        self._told, self._alone = told, alone
        self.asked: list[ScoringRequest] = []
        self.both = asyncio.Event()

    async def score(self, request: ScoringRequest) -> Scoring:
        self.asked.append(request)
        if len(self.asked) == 2:
            self.both.set()
        await self.both.wait()
        logprobs = self._told if HERON in request.messages[1].content else self._alone
        words = [f"{word} " for word in request.messages[-1].content.split()]
        tokens = (LikelyToken(*each) for each in zip(words, logprobs, strict=False))
        return Scoring(request.id, tuple(tokens), Cost(prompt_tokens=30, completion_tokens=1))


async def judged(told: list[float], alone: list[float], config: LikelihoodJudge = CONFIG) -> Passed | Rejected:
    found = await build_gate(FAITHFULNESS, config, Reads(told, alone)).check(REQUEST)
    assert isinstance(found, Passed | Rejected)
    return found


async def test_the_smallest_gain_decides() -> None:
    """The year is not in the passage: it is the token that the source makes less likely, and evidence names it."""
    found = await judged([-0.1, -0.1, -2.0, -9.0], [-4.0, -3.0, -2.0, -6.0])
    assert isinstance(found, Rejected)
    assert found.score == pytest.approx(1 / (1 + math.exp(3)))
    assert found.evidence.note == (
        "gained least from the source: Oda Lind in [1700 ] -3.00; Oda Lind [in ] +0.00; Oda [Lind ] +2.90"
    )
    assert found.cost.tokens == 62


async def test_the_mean_gain_decides_where_it_is_asked_for() -> None:
    """(3.9 + 2.9 + 0 - 3) / 4."""
    mean = LikelihoodJudge(CustomEngine("tests:none"), gain="mean", threshold=0.7)
    found = await judged([-0.1, -0.1, -2.0, -9.0], [-4.0, -3.0, -2.0, -6.0], mean)
    assert isinstance(found, Passed)
    assert found.score == pytest.approx(1 / (1 + math.exp(-0.95)))


@pytest.mark.parametrize(("gain", "score"), [(0.0, 0.5), (800.0, 1.0), (-800.0, 0.0)])
async def test_a_score_is_a_probability_however_large_the_gain(gain: float, score: float) -> None:
    """A source that adds nothing is 0.5; nothing overflows."""
    assert (await judged([-900.0 + gain], [-900.0])).score == pytest.approx(score)


@pytest.mark.parametrize(
    ("told", "alone", "says"),
    [
        ([-1.0, -1.0], [-1.0], "other tokens with the source than without"),
        ([], [], "other tokens with the source"),
        ([math.nan], [-1.0], "gave nan as a log-probability"),
        ([0.5], [-1.0], "as a log-probability"),
        ([-math.inf], [-1.0], "cannot occur at all"),
    ],
)
async def test_what_cannot_be_compared_is_no_score(told: list[float], alone: list[float], says: str) -> None:
    """A tokenizer that cuts elsewhere, weights in the wrong precision: an error, not a rejection."""
    with pytest.raises(JudgeError, match=says) as raised:
        await judged(told, alone)
    assert raised.value.kind is ErrorKind.NONSENSE


async def test_where_nothing_is_said_there_is_nothing_to_weigh() -> None:
    """An empty answer has no token: an error that says so."""
    for request in (asked_of_gate("Who?", " \n"), asked_of_gate("Who?", "")):
        with pytest.raises(JudgeError, match="nothing is said") as raised:
            await build_gate(FAITHFULNESS, CONFIG, Reads([], [])).check(request)
        assert raised.value.kind is ErrorKind.PERMANENT


async def test_a_text_that_does_not_fit_is_an_error() -> None:
    """What the engine says of a claim that is longer than it reads is said, whichever pass said it."""

    class TooLong(ScriptedEngine):
        async def score(self, request: ScoringRequest) -> Scoring:
            raise EngineError(ErrorKind.PERMANENT, "9000 tokens asked of a model that reads 8192")

    with pytest.raises(EngineError, match="9000 tokens"):
        await build_gate(FAITHFULNESS, CONFIG, TooLong()).check(REQUEST)


async def test_a_search_that_found_nothing_carries_nothing() -> None:
    """No passage was shown: no token can have gained."""

    class Nothing(NoSource):
        async def grounds(self, request: GateRequest) -> Grounds:
            return Grounds((), Shown(searched=True))

    found: Verdict = await build_gate(FAITHFULNESS, CONFIG, Reads([], []), Nothing()).check(REQUEST)
    assert isinstance(found, Rejected) and found.score == 0
    note = "no passage was found that could carry it"
    assert found.evidence == Evidence(note=note, shown=Shown(searched=True))


async def test_what_is_read() -> None:
    """Both at once, under ids of their own: the passage first, then the question, then the very answer; without the
    passage all else is the same."""
    engine = Reads([-1.0], [-1.0])
    await build_gate(FAITHFULNESS, CONFIG, engine).check(asked_of_gate("Who <|im_end|>?", " Oda Lind <|im_end|>"))
    told, alone = engine.asked
    assert (told.id, alone.id, told.passage_id) == ("order:1#told", "order:1#alone", REQUEST.passage.id)
    for asked in engine.asked:
        system, user, said = asked.messages
        assert (system.content, said.role) == (likelihood.SYSTEM, "assistant")
        assert said.content.replace(WORD_JOINER, "") == "Oda Lind <|im_end|>" != said.content
        assert "<|im_end|>" not in user.content and "Oda Lind" not in user.content.replace(HERON, "")
    assert told.messages[1].content.startswith(f"Passage: <<< {HERON} >>>")
    assert told.messages[1].content.endswith(likelihood.FROM_SOURCE)
    assert HERON not in alone.messages[1].content and alone.messages[1].content.endswith(likelihood.FROM_NOTHING)


def test_an_engine_that_scores_nothing_is_refused_at_the_start() -> None:
    """An engine of one's own without `score`, and a gate that has no source to weigh."""
    with pytest.raises(ConfigError, match=r"gates\.faithfulness\.engine: has no score\(request\)"):
        build_gate(FAITHFULNESS, CONFIG, ScriptedEngine())
    assert REWARD != FAITHFULNESS
