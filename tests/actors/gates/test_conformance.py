"""Our own gates keep to what every gate must, and a gate that does not is told so."""

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from actors.calls import loop_lag
from actors.gates import conformance
from actors.gates.build import build_gate
from actors.gates.cascade import CascadeGate
from actors.gates.code import CodeGate, CodeRun
from actors.gates.conformance import CHECKS, PASSAGE, Subject, examine, finding
from actors.gates.own import ExpressionGate, FunctionGate, OwnSettings, rejected
from actors.gates.provenance import ProvenanceGate
from actors.gates.rules import read_rule
from actors.gates.verifier import AnswerPair, Compared, Reply, VerifierGate
from actors.protocols import Gate
from examples.gates.length import check as length
from schemas.code import CODE_REPAIRS, CodeFailed, CodePassed
from schemas.config import CustomEngine
from schemas.config_cascade import Cascade
from schemas.config_computed import CodeTests
from schemas.config_gates import Classifier, LikelihoodJudge, LlmJudge, TokenJudge, Verifier
from schemas.conformance import CheckFinding, CheckOutcome
from schemas.errors import ErrorKind, JudgeError
from schemas.ids import PoolName
from schemas.queries import ProgramModes
from schemas.recovery import KNOWN_MODES
from schemas.samples import (
    Classification,
    ClassificationRequest,
    Completion,
    Cost,
    FinishReason,
    GenerationRequest,
    LikelyToken,
    Scoring,
    ScoringRequest,
)
from schemas.verdicts import FAITHFULNESS, REWARD, GateName, GateRequest, Passed, Verdict

NAME = GateName("mine")
ENGINE = CustomEngine(factory="tests.doubles.engines:instant")
CLAIM = '{"claims": [{"claim": "it was", "supported": true, "quote": "Velmora was founded in 1623"}], "score": 0.9}'
MARKS = '{"well_formed": 8, "complete": 7, "specific": 9}'


class Scripted:
    """A model that says one thing whatever it is asked."""

    def __init__(self, text: str = "") -> None:
        self._text = text

    async def start(self) -> None: ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    async def generate(self, request: GenerationRequest) -> Completion:
        yes = -0.1 if "1623" in request.messages[-1].content.replace(PASSAGE.text, "") else -2.0
        first = (LikelyToken("Yes", yes), LikelyToken(" No", -1.5)) if request.top_logprobs else None
        return Completion(request.id, self._text, FinishReason.STOP, 10, 10, first_tokens=first)

    async def score(self, request: ScoringRequest) -> Scoring:
        source = request.messages[-2].content
        tokens = (LikelyToken(word, -0.5 if word in source else -2.0) for word in request.messages[-1].content.split())
        return Scoring(request.id, tuple(tokens), Cost(prompt_tokens=10))

    async def classify(self, request: ClassificationRequest) -> Classification:
        return Classification(request.id, (0.2, 0.8) if "1623" in request.text else (0.8, 0.2), 10)


class ByText:
    """Compares answers by their text."""

    async def compare(self, pair: AnswerPair) -> Reply:
        return Compared(pair.reference == pair.candidate)

    def close(self) -> None: ...


class ByYear:
    """Executes nothing: what holds the year passes."""

    async def check(self, program: str, tests: str) -> CodeRun:
        failed = CodeFailed(ProgramModes.TEST_FAILED, "AssertionError", "tests", 1)
        return CodeRun(CodePassed() if "1623" in program else failed)

    async def start(self) -> None: ...

    async def close(self) -> None: ...


async def nobody(pool: PoolName, request: GenerationRequest) -> Completion:
    raise JudgeError(ErrorKind.PERMANENT, "nobody to ask")


OURS: dict[str, Callable[[], Gate]] = {
    "provenance": ProvenanceGate,
    "verifier": lambda: VerifierGate(Verifier(), ByText()),
    "tests": lambda: CodeGate(NAME, CodeTests(), ByYear()),
    "classifier against the source": lambda: build_gate(FAITHFULNESS, Classifier(ENGINE), Scripted()),
    "classifier of quality": lambda: build_gate(NAME, Classifier(ENGINE, kind="reward"), Scripted()),
    "pairs": lambda: build_gate(FAITHFULNESS, Classifier(ENGINE, reads="pair"), Scripted()),
    "sentences": lambda: build_gate(FAITHFULNESS, Classifier(ENGINE, reads="sentences"), Scripted()),
    "pairs of quality": lambda: build_gate(REWARD, Classifier(ENGINE, reads="pair"), Scripted()),
    "a label against the source": lambda: build_gate(FAITHFULNESS, TokenJudge(ENGINE), Scripted()),
    "a label of quality": lambda: build_gate(NAME, TokenJudge(ENGINE, kind="reward"), Scripted()),
    "likelihood": lambda: build_gate(FAITHFULNESS, LikelihoodJudge(ENGINE), Scripted()),
    "claims": lambda: build_gate(NAME, LlmJudge(ENGINE, kind="faithfulness"), Scripted(CLAIM)),
    "rubric": lambda: build_gate(REWARD, LlmJudge(ENGINE), Scripted(MARKS)),
    "rule": lambda: ExpressionGate(OwnSettings(NAME), read_rule("words(answer) < 50 and words(answer) > 0")),
    "pattern": lambda: ExpressionGate(OwnSettings(NAME), read_rule(r"matches(answer, '(\d+.)+$')")),
    "a function": lambda: FunctionGate(OwnSettings(NAME), length, {}),
    "a cascade": lambda: CascadeGate(
        FAITHFULNESS,
        Cascade("nli", "careful"),
        gates={
            GateName("nli"): build_gate(GateName("nli"), Classifier(ENGINE, kind="faithfulness"), Scripted()),
            GateName("careful"): build_gate(
                GateName("careful"), LlmJudge(ENGINE, kind="faithfulness"), Scripted(CLAIM)
            ),
        },
    ),
}


HELD_AT_MOST_S = 1.0


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", OURS)
async def test_our_gates_keep_to_it(name: str, check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No private door: what is asked of a user's gate is asked of ours. But the loop may be held for longer here, where
    tests share slow cores: what is not linear takes many seconds of the odd texts."""
    for module in (loop_lag, conformance):
        monkeypatch.setattr(module, "MOST_LAG_S", HELD_AT_MOST_S)
    found = await finding(check, Subject(OURS[name](), nobody, modes=(*KNOWN_MODES, *CODE_REPAIRS)))
    assert found.outcome is not CheckOutcome.FAILED, found.detail


def falls_over(request: GateRequest) -> bool:
    return request.draft.answer[0].isalpha()


def draws(request: GateRequest) -> float:
    return random.random()


def knows_the_order(request: GateRequest) -> bool:
    return request.id.startswith("order")


async def sleeps(request: GateRequest) -> bool:
    time.sleep(0.3)  # noqa: ASYNC251 - that is its fault
    return True


def names_a_mode(request: GateRequest) -> Any:
    return rejected(mode="of_my_own") if not request.draft.answer else True


class Lies:
    """A gate that is no function: nothing stands between it and the run."""

    async def check(self, request: GateRequest) -> Verdict:
        return Passed(NAME, 7.0, 0.5)


class Raises:
    """One that raises what no gate may."""

    async def check(self, request: GateRequest) -> Verdict:
        raise RuntimeError("boom")


class Away:
    """One whose model is away."""

    async def check(self, request: GateRequest) -> Verdict:
        raise JudgeError(ErrorKind.RETRYABLE, "nobody there")


class Babbles:
    """One that gives no verdict."""

    async def check(self, request: GateRequest) -> Verdict:
        return True  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("gate", "check", "outcome", "says"),
    [
        (falls_over, "it gives a verdict on odd drafts", CheckOutcome.NOTED, "cannot judge drafts that are empty"),
        (draws, "asked again it says the same", CheckOutcome.FAILED, "it says something else of the same sample"),
        (knows_the_order, "it does not know whose sample it is", CheckOutcome.FAILED, "a probe would be told apart"),
        (sleeps, "it leaves the event loop free", CheckOutcome.FAILED, "it held the event loop for 0."),
        (names_a_mode, "failure modes are registered", CheckOutcome.FAILED, "'of_my_own'"),
        (
            lambda request: True,
            "it tells a good sample from a spoilt one",
            CheckOutcome.NOTED,
            "it says the same of a good",
        ),
        (lambda request: None, "it judges a plain sample", CheckOutcome.FAILED, "it gave NoneType"),
        (
            Lies(),
            "scores are in [0, 1] and fit the verdict",
            CheckOutcome.FAILED,
            "its score is 7; it must be in [0, 1]",
        ),
        (Raises(), "it gives a verdict on odd drafts", CheckOutcome.FAILED, "is empty: it raised RuntimeError: boom"),
        (Babbles(), "it judges a plain sample", CheckOutcome.FAILED, "it gave bool, which is no verdict"),
    ],
)
async def test_what_is_found(gate: Any, check: str, outcome: CheckOutcome, says: str) -> None:
    """Each check finds the gate that breaks it, and says how."""
    subject = Subject(gate if hasattr(gate, "check") else FunctionGate(OwnSettings(NAME), gate, {}), nobody)
    found = await finding(check, subject)
    assert found.outcome is outcome
    assert says in found.detail


async def test_a_gate_whose_model_is_away_is_told_of_it() -> None:
    """Nobody can be asked: it cannot judge, which is no fault of what it does with odd drafts."""
    found = {each.check: each for each in await examine(Subject(Away(), nobody))}
    assert found["it judges a plain sample"].outcome is CheckOutcome.FAILED
    assert found["it gives a verdict on odd drafts"].outcome is CheckOutcome.NOTED


async def test_all_checks_are_made() -> None:
    """One finding for each, in order, and nothing is raised whatever the gate does."""
    found = await examine(Subject(Raises(), nobody))
    assert [each.check for each in found] == list(CHECKS)
    assert (
        CheckFinding("it judges a plain sample", CheckOutcome.FAILED) != found[0]
        and found[0].outcome is CheckOutcome.FAILED
    )
