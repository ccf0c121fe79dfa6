"""Functions of one's own as gates: whatever they do, the run gets a verdict in the gate's name."""

import asyncio
import time
from typing import Any

import pytest

from actors.gates.own import Asking, FunctionGate, OwnSettings, errored, passed, rejected, takes_ask
from schemas.errors import EngineError, ErrorKind
from schemas.ids import PoolName
from schemas.recovery import FailureMode, Modes
from schemas.samples import Completion, Cost, FinishReason, GenerationRequest, Message, Prompt, Sampling, answered
from schemas.verdicts import Errored, Evidence, GateName, GateRequest, Passed, Rejected, Verdict
from tests.doubles.passages import passage_of

NAME, BROUGHT = GateName("mine"), FailureMode("test_failed")
SETTINGS = OwnSettings(NAME, 0.5, (BROUGHT,))
REQUEST = GateRequest("o:1", passage_of("Velmora was founded in 1623."), answered("When?", "1623"))
PROMPT = Prompt((Message("user", "Is it true?"),), Sampling(0.0))


async def no_pool(pool: PoolName, request: GenerationRequest) -> Completion:
    raise EngineError(ErrorKind.PERMANENT, f"there is no pool '{pool}'")


async def judged(function: Any, ask: Any = no_pool, **options: Any) -> Verdict:
    return await FunctionGate(SETTINGS, function, options).check_asking(REQUEST, ask)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (True, Passed(NAME, 1.0, 0.5)),
        (False, Rejected(NAME, 0.0, 0.5)),
        (0.5, Passed(NAME, 0.5, 0.5)),
        (0.4, Rejected(NAME, 0.4, 0.5)),
        (1, Passed(NAME, 1.0, 0.5)),
        (passed("fine"), Passed(NAME, 1.0, 0.5, Evidence(note="fine"))),
        (rejected("bad", mode="test_failed"), Rejected(NAME, 0.0, 0.5, Evidence(note="bad"), mode=BROUGHT)),
        (rejected(mode="wrong_answer"), Rejected(NAME, 0.0, 0.5, mode=Modes.WRONG_ANSWER)),
        (errored("no compiler"), Errored(NAME, ErrorKind.PERMANENT, "no compiler")),
    ],
)
async def test_what_a_function_may_say(said: object, verdict: Verdict) -> None:
    """True, false, a score, or a verdict: under the gate's name, at the configured threshold."""
    assert await judged(lambda request: said) == verdict


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (2, "it gave 2, and a score is in [0, 1]"),
        (10**400, "it gave 10000000000000000000, and a score is in [0, 1]"),
        (float("nan"), "it gave nan, and a score is in [0, 1]"),
        (None, "it gave NoneType; a gate gives true, false, a score in [0, 1] or a verdict"),
        ("yes", "it gave str; a gate gives true, false, a score in [0, 1] or a verdict"),
        (passed(score=0.2), "it passed with a score of 0.2, and the threshold is 0.5"),
        (rejected(score=0.7), "it rejected with a score of 0.7, and the threshold is 0.5"),
        (rejected(mode="typo"), "its rejection carries 'typo', a failure mode that gates.mine.modes lacks"),
    ],
)
async def test_what_it_may_not_say_is_an_error(said: object, detail: str) -> None:
    """Never a rejection: nobody repairs a sample for a gate's own mistake."""
    assert await judged(lambda request: said) == Errored(NAME, ErrorKind.PERMANENT, detail)


async def test_a_bug_is_one_verdicts_error() -> None:
    """With what was raised, and where."""

    def buggy(request: GateRequest) -> bool:
        return bool(1 / 0)

    said = await judged(buggy)
    assert isinstance(said, Errored) and said.detail.startswith("ZeroDivisionError: division by zero (test_own.py:")


async def test_options_are_given_by_name() -> None:
    """A function with a parameter, from the configuration."""

    def at_most(request: GateRequest, *, words: int) -> bool:
        return len(request.draft.answer.split()) <= words

    assert isinstance(await judged(at_most, words=1), Passed)
    assert isinstance(await judged(at_most, words=0), Rejected)


async def test_a_plain_function_does_not_hold_the_loop() -> None:
    """It runs in a thread: other samples go on meanwhile."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.ensure_future(tick())
    await judged(lambda request: time.sleep(0.1) or True)
    ticking.cancel()
    assert ticks > 5


async def test_a_function_asks_the_runs_pools() -> None:
    """Through `ask`, seeded and paid for: what it took is the verdict's cost; the same request asks the same."""
    seen: list[tuple[PoolName, GenerationRequest]] = []

    async def answers(pool: PoolName, request: GenerationRequest) -> Completion:
        seen.append((pool, request))
        return Completion(request.id, "yes", FinishReason.STOP, 10, 2)

    async def twice(request: GateRequest, ask: Asking) -> bool:
        first = await ask(PROMPT)
        second = await ask(PROMPT, pool=PoolName("strong"))
        return first.text == second.text == "yes"

    said = await judged(twice, answers)
    assert said == Passed(NAME, 1.0, 0.5, cost=Cost(20, 4))
    assert [(pool, request.id) for pool, request in seen] == [("generator", "o:1:mine:1:1"), ("strong", "o:1:mine:1:2")]
    seeds = [request.sampling.seed for _, request in seen]
    assert len(set(seeds)) == 2
    await judged(twice, answers)
    assert [request.sampling.seed for _, request in seen[2:]] == seeds


async def test_a_pool_that_does_not_answer_is_an_error_of_the_gate() -> None:
    """The call was retried where calls are; the gate adds nothing."""

    async def asking(request: GateRequest, ask: Asking) -> bool:
        return bool(await ask(PROMPT))

    assert await judged(asking) == Errored(NAME, ErrorKind.PERMANENT, "there is no pool 'generator'")
    assert isinstance(await FunctionGate(SETTINGS, asking, {}).check(REQUEST), Errored)


def test_what_a_function_may_take() -> None:
    """The request, and `ask` if it likes; everything else is refused before anything runs."""
    assert not takes_ask(lambda request: True, {})
    assert takes_ask(lambda request, ask: True, {})
    assert not takes_ask(lambda request, words=3: True, {})
    assert not takes_ask(lambda request, words: True, {"words": 3})
    with pytest.raises(ValueError, match="it takes nothing"):
        takes_ask(lambda: True, {})
    with pytest.raises(ValueError, match="it takes a, b, c"):
        takes_ask(lambda a, b, c: True, {})
