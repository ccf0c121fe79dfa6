"""Drafts of one passage that share a judge's call: who shares it, and what each has of it."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.calls.health import Trial
from actors.calls.retry import Try
from actors.calls.trials import judgement
from actors.gates.build import build_gate, build_judge
from actors.gates.pooled import PooledGate
from actors.gates.together import Gathering
from actors.protocols import Gate
from actors.text.completions import Unreadable, verdicts_in
from schemas.config_engines import CustomEngine
from schemas.config_gates import LlmJudge
from schemas.errors import EngineError, ErrorKind, HopError, JudgeError
from schemas.ids import PoolName
from schemas.samples import Completion, FinishReason, GenerationRequest, Lane
from schemas.verdicts import FAITHFULNESS, REWARD, GateName, GateRequest, Passed, Rejected, Verdict
from tests.doubles.passages import HERON, asked_of_gate
from tests.doubles.scripted import ScriptedEngine

CONFIG = LlmJudge(engine=CustomEngine("tests:none"), drafts_per_call=3)
FOUNDER = {"claim": "Oda Lind founded it", "supported": True, "quote": "Its founder was Oda Lind."}
SETTLED = {"claim": "settled in 1500", "supported": False, "quote": "It was first settled in 1623."}
GOOD = {"claims": [FOUNDER], "score": 0.9}
BAD = {"claims": [SETTLED], "score": 0.2}
MARKS = {"well_formed": 9, "complete": 8, "specific": 7}
ANSWERS = ("Oda Lind", "In 1500", "Oda Lind, in 1623")


def requests(count: int = 3, text: str = HERON) -> list[GateRequest]:
    asked = [asked_of_gate(f"Question {at}?", answer, text=text) for at, answer in enumerate(ANSWERS[:count], 1)]
    return [replace(request, id=f"order{at}:1") for at, request in enumerate(asked, 1)]


def reply(*parts: dict[str, Any]) -> str:
    return json.dumps({"verdicts": [{"draft": at, **part} for at, part in enumerate(parts, 1)]})


async def judged(gate: Gate, asked: Sequence[GateRequest]) -> list[Verdict | BaseException]:
    return await asyncio.gather(*(gate.check(request) for request in asked), return_exceptions=True)


def told(verdicts: Sequence[Verdict | BaseException]) -> list[object]:
    """The score of each verdict, or the kind of its error."""
    return [said.score if isinstance(said, Passed | Rejected) else getattr(said, "kind", said) for said in verdicts]


async def test_drafts_that_come_together_are_judged_in_one_call() -> None:
    """Each with its own verdict and its part of the cost, and told its place; the passage stands first."""
    engine = ScriptedEngine(reply(GOOD, BAD, GOOD))
    found = await judged(build_gate(FAITHFULNESS, CONFIG, engine), requests())
    assert told(found) == [0.9, 0.0, 0.9]
    costs = [said.cost for said in found if isinstance(said, Passed | Rejected)]
    assert [(cost.prompt_tokens, cost.completion_tokens) for cost in costs] == [(14, 3), (13, 2), (13, 2)]
    notes = [said.evidence.note for said in found if isinstance(said, Passed | Rejected)]
    assert [note.rpartition("; ")[2] for note in notes] == [f"draft {at} of 3 in one call" for at in (1, 2, 3)]
    (asked,) = engine.generations
    form = (
        '{"verdicts": [{"draft": 1, "claims": [{"claim": "...", "supported": true or false, "quote": "..."}], "score":'
    )
    assert form in asked.messages[0].content and asked.messages[0].content.endswith("}, ...]}")
    user = asked.messages[1].content
    assert user.startswith(f"Passage: <<< {HERON} >>>") and asked.sampling.max_tokens == 3 * 512
    assert [user.index(f"Answer {at}: {answer}") for at, answer in enumerate(ANSWERS, 1)] == sorted(
        user.index(f"Answer {at}: ") for at in (1, 2, 3)
    )


async def test_a_reward_is_rated_beside_others_without_the_passage() -> None:
    """As one alone: the passage is unseen."""
    engine = ScriptedEngine(reply(MARKS, {**MARKS, "complete": 0}))
    found = await judged(build_gate(REWARD, CONFIG, engine), requests(2))
    assert told(found) == [pytest.approx(0.8), pytest.approx(16 / 30)]
    system, user = [message.content for message in engine.generations[0].messages]
    assert '{"verdicts": [{"draft": 1, "well_formed": a number, ...}, ...]}' in system and "Merchants" not in user


@pytest.mark.parametrize(
    ("spoilt", "left"),
    [
        ({"claims": [], "score": 1}, [0.9, ErrorKind.NONSENSE, 0.9]),
        ({"claims": [FOUNDER], "score": 7}, [0.9, ErrorKind.NONSENSE, 0.9]),
        ({"claims": [FOUNDER]}, [0.9, ErrorKind.NONSENSE, 0.9]),
        ({"draft": 9, **GOOD}, [0.9, ErrorKind.NONSENSE, 0.9]),
        ({"draft": 1, **BAD}, [ErrorKind.NONSENSE, ErrorKind.NONSENSE, 0.9]),
        ({"draft": 1, **GOOD}, [0.9, ErrorKind.NONSENSE, 0.9]),
    ],
)
async def test_a_malformed_part_errs_only_its_own(spoilt: dict[str, Any], left: list[object]) -> None:
    """No claim, a score out of range, a missing key, the number of another draft: never a score by default."""
    engine = ScriptedEngine(reply(GOOD, spoilt, GOOD))
    assert told(await judged(build_gate(FAITHFULNESS, CONFIG, engine), requests())) == left


async def test_what_the_limit_cut_off_errs_and_what_stands_before_counts() -> None:
    """The second verdict was being written."""
    text = reply(GOOD, BAD, GOOD)
    cut = text[: text.index('"draft": 2') + 30]
    engine = ScriptedEngine(cut, finish=FinishReason.LENGTH)
    found = await judged(build_gate(FAITHFULNESS, CONFIG, engine), requests())
    assert told(found) == [0.9, ErrorKind.NONSENSE, ErrorKind.NONSENSE]
    assert [str(error).endswith("cut off at the token limit") for error in found[1:]] == [True, True]
    heard = [error.heard.cost.tokens for error in found if isinstance(error, JudgeError) and error.heard]
    assert heard == [15, 15]


@given(st.text(max_size=80), st.integers(0, 400), st.integers(2, 4))
def test_any_reply_gives_one_thing_for_each_draft(text: str, end: int, count: int) -> None:
    """And nothing is read that is not there."""
    for said in (text, reply(*[GOOD] * 3)[:end] + text):
        read = verdicts_in(said, dict, ("claims", "score"), count=count)
        assert len(read) == count and (count < 4 or isinstance(read[3], Unreadable))


async def test_the_drafts_of_another_passage_have_a_call_of_their_own() -> None:
    """So have those beyond the greatest number, and one alone is asked about as ever."""
    engine = ScriptedEngine(reply(GOOD, GOOD, GOOD), json.dumps(GOOD), json.dumps(GOOD))
    asked = [*requests(), replace(requests()[0], id="fourth:1"), *requests(1, text=f"{HERON} So it is.")]
    assert told(await judged(build_gate(FAITHFULNESS, CONFIG, engine), asked)) == [0.9] * 5
    first, alone, other = engine.generations
    assert "You check answers" in first.messages[0].content
    assert all("You check an answer" in each.messages[0].content for each in (alone, other))
    lonely = ScriptedEngine(json.dumps(GOOD))
    await build_gate(FAITHFULNESS, replace(CONFIG, drafts_per_call=1), lonely).check(asked[3])
    assert alone == lonely.generations[0]


async def test_what_is_asked_again_is_asked_alone() -> None:
    """A judge that failed at three may do at one."""
    engine = ScriptedEngine(*[json.dumps(GOOD)] * 3)
    again = [replace(request, tries=2) for request in requests()]
    assert told(await judged(build_gate(FAITHFULNESS, CONFIG, engine), again)) == [0.9] * 3
    assert len(engine.generations) == 3


@pytest.mark.parametrize("alone", [{"lane": Lane.FEW}, {"lane": Lane.ALONE}, {"is_trial": True}])
async def test_a_suspect_and_a_trial_are_asked_alone(alone: dict[str, Any]) -> None:
    """One that may have killed a replica takes no other with it; a poisoned draft fails no trial of the judge."""
    engine = ScriptedEngine(json.dumps(GOOD), reply(GOOD, BAD))
    first, *others = requests()
    found = await judged(build_gate(FAITHFULNESS, CONFIG, engine), [replace(first, **alone), *others])
    assert told(found) == [0.9, 0.9, 0.0]
    assert [each.id for each in engine.generations] == ["order1:1", "order2:1"]


async def test_a_trial_says_that_it_is_one() -> None:
    """Whatever it repeats; a request of an order never does."""
    tries = (Try(1, Lane.SHARED), *(Try(0, Lane.SHARED, trial) for trial in Trial))
    assert [judgement(requests(1)[0], this).is_trial for this in tries] == [False, True, True, True]


@pytest.mark.parametrize("kind", [ErrorKind.PERMANENT, ErrorKind.REFUSED])
async def test_a_call_that_is_too_long_for_all_is_retried_for_each(kind: ErrorKind) -> None:
    """A prompt of three drafts is refused: the same is not known of any of them. One alone is refused as it is."""
    gate = build_gate(
        FAITHFULNESS, CONFIG, ScriptedEngine(EngineError(kind, "too long"), EngineError(kind, "too long"))
    )
    found = await judged(gate, requests())
    assert told(found) == [ErrorKind.RETRYABLE] * 3 and "3 drafts in one call: too long" in str(found[0])
    assert told(await judged(gate, requests(1))) == [kind]


async def test_a_call_that_fails_fails_for_each() -> None:
    """Each is retried for itself."""
    engine = ScriptedEngine(EngineError(ErrorKind.OVERLOADED, "too much"))
    assert told(await judged(build_gate(FAITHFULNESS, CONFIG, engine), requests())) == [ErrorKind.OVERLOADED] * 3


async def test_who_leaves_takes_no_other_with_it() -> None:
    """The one that makes the call is cancelled: the others are told to ask again. Another is: the rest stay."""
    for gone in (0, 1):
        may_end = asyncio.Event()

        async def judge(asked: Sequence[GateRequest], end: asyncio.Event = may_end) -> Sequence[Verdict | HopError]:
            await end.wait()
            return [Passed(GateName("g"), 1.0, 0.5) for _ in asked]

        gathering = Gathering(3)
        tasks = [asyncio.ensure_future(gathering.verdict(request, judge)) for request in requests()]
        for _ in range(3):
            await asyncio.sleep(0)
        tasks[gone].cancel()
        await asyncio.sleep(0)
        may_end.set()
        found = told(await asyncio.gather(*tasks, return_exceptions=True))
        left = [said for at, said in enumerate(found) if at != gone]
        assert left == ([ErrorKind.RETRYABLE] * 2 if gone == 0 else [1.0] * 2)


async def test_a_judge_over_a_pool_shares_its_calls_too() -> None:
    """Each request has a judge of its own there; the gate has one gathering."""
    asked: list[GenerationRequest] = []

    async def ask(pool: PoolName, request: GenerationRequest) -> Completion:
        asked.append(request)
        return Completion(request.id, reply(GOOD, BAD, GOOD), FinishReason.STOP, prompt_tokens=3, completion_tokens=3)

    gathering = Gathering(3)
    gate = PooledGate(
        FAITHFULNESS, PoolName("p"), lambda model: build_judge(FAITHFULNESS, CONFIG, model, gathering=gathering)
    )
    found = await asyncio.gather(*(gate.check_asking(request, ask) for request in requests()))
    assert told(found) == [0.9, 0.0, 0.9] and len(asked) == 1


async def test_a_shared_call_that_its_pool_does_not_answer_is_asked_alone() -> None:
    """The call of three is too long for the pool: over a pool too, that is an error of the call and no verdict."""

    async def ask(pool: PoolName, request: GenerationRequest) -> Completion:
        if request.id.startswith("order1:1:faithfulness:1"):
            raise EngineError(ErrorKind.PERMANENT, "too long")
        return Completion(request.id, json.dumps(GOOD), FinishReason.STOP, prompt_tokens=3, completion_tokens=3)

    gathering = Gathering(3)
    gate = PooledGate(
        FAITHFULNESS, PoolName("p"), lambda model: build_judge(FAITHFULNESS, CONFIG, model, gathering=gathering)
    )
    for tries, expected in ((1, ErrorKind.RETRYABLE), (2, 0.9)):
        asked = [gate.check_asking(replace(request, tries=tries), ask) for request in requests()]
        assert told(await asyncio.gather(*asked, return_exceptions=True)) == [expected] * 3
