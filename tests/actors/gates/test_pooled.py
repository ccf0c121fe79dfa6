"""A judge whose model is a pool of the run."""

import asyncio

import pytest
from msgspec.structs import replace

from actors.gates.faithfulness import LlmFaithfulness
from actors.gates.pooled import PooledGate
from actors.protocols import AskingGate
from schemas.config_engines import PoolEngine
from schemas.config_gates import LlmJudge
from schemas.errors import EngineError, ErrorKind, JudgeError, PoolAwayError
from schemas.ids import PoolName
from schemas.samples import Completion, GenerationRequest, answered
from schemas.verdicts import FAITHFULNESS, Errored, GateName, GateRequest, Passed
from tests.doubles.attempts import passage
from tests.doubles.scripted import ScriptedEngine

STRONG = PoolName("strong")
CONFIG = LlmJudge(engine=PoolEngine(pool=STRONG))
REQUEST = GateRequest("order:1", passage(3), answered("What does it state?", "It states a fact."))
YES = '{"claims": [{"claim": "a fact", "supported": true, "quote": "Passage number 3 states a fact."}], "score": 0.9}'


def gate(name: GateName = FAITHFULNESS) -> PooledGate:
    return PooledGate(name, STRONG, lambda model: LlmFaithfulness(CONFIG, model, name=name))


def asking(engine: ScriptedEngine, pools: list[PoolName]):
    async def ask(pool: PoolName, request: GenerationRequest) -> Completion:
        pools.append(pool)
        return await engine.generate(request)

    return ask


async def test_the_same_verdict_as_with_an_engine_of_its_own() -> None:
    """The same question, sampling and seed; only the request's id tells the gate's request from the order's."""
    shared, own, pools = ScriptedEngine(YES), ScriptedEngine(YES), []
    verdict = await gate().check_asking(REQUEST, asking(shared, pools))
    assert verdict == await LlmFaithfulness(CONFIG, own).check(REQUEST)
    assert isinstance(verdict, Passed) and verdict.cost.tokens == 47
    assert pools == [STRONG]
    assert replace(shared.generations[0], id="order:1") == own.generations[0]


async def test_requests_of_one_order_have_ids_of_their_own() -> None:
    """Two gates and a second try of one, side by side in one engine, which may know each id once; nor is one the id of
    the order's own request."""
    engine, pools = ScriptedEngine(YES, YES, YES), []
    ask = asking(engine, pools)
    second = replace(REQUEST, tries=2)
    await asyncio.gather(
        gate().check_asking(REQUEST, ask),
        gate(GateName("other")).check_asking(REQUEST, ask),
        gate().check_asking(second, ask),
    )
    ids = {request.id for request in engine.generations}
    assert len(ids) == 3 and REQUEST.id not in ids


async def test_a_pool_that_does_not_answer_is_an_error_of_the_gate() -> None:
    """It was tried again where pools are; another round of tries by the gate would multiply them."""
    verdict = await gate().check_asking(
        REQUEST, asking(ScriptedEngine(EngineError(ErrorKind.PERMANENT, "too long")), [])
    )
    assert verdict == Errored(FAITHFULNESS, ErrorKind.PERMANENT, "too long")


async def test_nonsense_is_asked_for_again_by_the_gate() -> None:
    """What its caller does with every judge: the error is raised, with what was said."""
    with pytest.raises(JudgeError) as raised:
        await gate().check_asking(REQUEST, asking(ScriptedEngine("Looks fine to me."), []))
    assert raised.value.kind is ErrorKind.NONSENSE and raised.value.heard is not None


async def test_a_pool_that_is_given_up_ends_no_order() -> None:
    """It stops the conductor, as it does for drafts."""
    with pytest.raises(PoolAwayError):
        await gate().check_asking(REQUEST, asking(ScriptedEngine(PoolAwayError("strong", "away", 0.0, "gone")), []))


async def test_without_pools() -> None:
    """Who judges without a run is told so."""
    verdict = await gate().check(REQUEST)
    assert isinstance(verdict, Errored) and "no pool 'strong'" in verdict.detail
    assert isinstance(gate(), AskingGate)
