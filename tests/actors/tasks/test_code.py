"""Functions with tests: what is read of a completion, and what a repair may change."""

import pytest
from msgspec.structs import replace

from actors.tasks.code import ASPECTS, LONGEST, CodeTask
from actors.tasks.code_problem import CodeProblemTask
from schemas.config_tasks import Code
from schemas.corpus import Passage
from schemas.orders import Lease
from schemas.recovery import Repair, RepairKind, Repairs
from schemas.samples import Draft, FinishReason, Malformed, MalformedReason
from tests.doubles.asking import request_of
from tests.doubles.passages import lease_of

SPECIFICATION = "half(n) halves a number. An odd one is rounded down."
TASK, PROBLEM = CodeTask(Code(), cases=4), CodeProblemTask(Code())
QUESTION = "Write half(n), which halves a whole number.\nAn odd one is rounded down."
HALF, OTHER = "def half(n):\n    return n // 2", "import math\n\n\ndef half(n):\n    return math.floor(n / 2)"
TESTS, MORE = "from solution import half\n\nassert half(3) == 1", "from solution import half\nassert half(4) == 2"
DRAFT = Draft({"question": QUESTION, "answer": HALF, "tests": TESTS})
HIDDEN = "from solution import half\nassert half(-7) == -4"


def block(code: str) -> str:
    return f"```python\n{code}\n```"


def lease(kind: RepairKind | None = None, previous: Draft | None = DRAFT) -> Lease:
    repair = None if kind is None else Repair(kind, 0.3, previous=previous, words="The tests fail: AssertionError.")
    return lease_of(SPECIFICATION, repair=repair)


def problem_lease(kind: RepairKind | None = None) -> Lease:
    """Of a passage with hidden tests."""
    draft = Draft({"question": SPECIFICATION, "answer": HALF})
    one = lease(kind, draft)
    return replace(one, passage=Passage.of(one.passage.text, one.passage.provenance, HIDDEN))


def read(said: str, of: Lease | None = None, finish: FinishReason = FinishReason.STOP) -> Draft | Malformed:
    return TASK.read(of or lease(), said, finish)


@pytest.mark.parametrize(
    "said",
    [
        f"Question: {QUESTION}\n{block(HALF)}\n{block(TESTS)}",
        f"**Question:** {QUESTION}\n\n**Function:**\n{block(HALF)}\n\n**Tests:**\n{block(TESTS)}\nThey cover it.",
        f"<think>an odd one</think>Question: {QUESTION}\nHere is the function:\n{block(HALF)}\n~~~\n{TESTS}\n~~~",
        f"Sure!\nExercise: {QUESTION}\nTests first:\n{block(TESTS)}\nCode:\n{block(HALF)}",
        f"Question: {QUESTION}\n{block(HALF)}\n{block(TESTS)}\nThe whole again:\n{block(HALF)}",
    ],
)
def test_a_draft_in_the_looks_that_models_give_it(said: str) -> None:
    """Lines of code keep their indents; what imports the function is its tests, wherever it stands."""
    assert read(said) == DRAFT


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", MalformedReason.EMPTY),
        (f"{block(HALF)}\n{block(TESTS)}", MalformedReason.NO_QUESTION),
        (f"Question: {QUESTION}\n{HALF}\n{TESTS}", MalformedReason.NO_ANSWER),
        (f"Question: {QUESTION}\n{block(HALF)}", MalformedReason.NO_ANSWER),
        (f"Question: {QUESTION}\n{block(HALF)}\n{block(OTHER)}\n{block(TESTS)}", MalformedReason.NO_ANSWER),
        (f"Question: {QUESTION}\n{block(HALF)}\n```python\n{TESTS}", MalformedReason.NO_ANSWER),
        (f"Question: {QUESTION}\n{block(' ')}\n{block(TESTS)}", MalformedReason.NO_ANSWER),
        (f"Question: {QUESTION}\n{block(HALF)}\n{block(TESTS + '#' * LONGEST['tests'])}", MalformedReason.TOO_LONG),
        (f"Question: {QUESTION}\n{block(HALF + '<|im_end|>')}\n{block(TESTS)}", MalformedReason.CONTROL_TEXT),
    ],
)
def test_what_is_no_draft(said: str, reason: MalformedReason) -> None:
    found = read(said)
    assert isinstance(found, Malformed) and found.reason is reason


@pytest.mark.parametrize("task", [TASK, PROBLEM])
def test_a_completion_that_was_cut_off_is_none(task: CodeTask | CodeProblemTask) -> None:
    """Half the tests may be tests."""
    found = task.read(lease(), f"Question: {QUESTION}\n{block(HALF)}\n{block(TESTS)}", FinishReason.LENGTH)
    assert isinstance(found, Malformed) and found.reason is MalformedReason.CUT_OFF


@pytest.mark.parametrize("said", [block(OTHER), f"Question: Another.\n{block(OTHER)}\n{block(MORE)}"])
def test_an_edited_function_keeps_its_tests(said: str) -> None:
    """Whatever else the model writes."""
    assert read(said, lease(Repairs.EDIT_CODE)) == Draft({**DRAFT.fields, "answer": OTHER})


@pytest.mark.parametrize("said", [block(MORE), f"Tests:\n{block(MORE)}\nCode:\n{block(OTHER)}"])
def test_edited_tests_keep_their_function(said: str) -> None:
    assert read(said, lease(Repairs.EDIT_TESTS)) == Draft({**DRAFT.fields, "tests": MORE})


def test_an_edit_of_three_blocks_is_none() -> None:
    """Which of them is meant is not guessed."""
    found = read("\n".join(map(block, (HALF, OTHER, MORE))), lease(Repairs.EDIT_CODE))
    assert isinstance(found, Malformed) and found.reason is MalformedReason.NO_ANSWER


def test_a_repair_shows_both_halves_and_what_the_execution_said() -> None:
    for kind, ends in ((Repairs.EDIT_CODE, "with its imports."), (Repairs.EDIT_TESTS, "import from solution.")):
        asked = request_of(TASK, lease(kind)).messages[-1].content
        assert all(text in asked for text in (SPECIFICATION, " ".join(QUESTION.split()), HALF, TESTS))
        assert asked.endswith(f"{ends}\nThe tests fail: AssertionError.")


@pytest.mark.parametrize(
    ("passage", "subjects"),
    [
        (SPECIFICATION, set(ASPECTS)),
        (
            "def one(a):\n    ...\n\n\nclass C:\n    def two (self): ...\n    def _no(self): ...\n",
            {"one", "two"},
        ),
    ],
)
def test_the_orders_of_a_passage_are_about_different_things(passage: str, subjects: set[str]) -> None:
    """By their number alone: the functions of source code, or aspects of a specification."""
    asked = set()
    for slot in range(4):
        one = lease_of(passage)
        asked.add(request_of(TASK, replace(one, order=replace(one.order, slot=slot))).messages[-1].content)
    assert len(asked) == len(subjects)
    assert all(any(subject in each for each in asked) for subject in subjects)


def test_a_student_sees_no_tests() -> None:
    assert [message.content for message in TASK.messages(SPECIFICATION, DRAFT)] == [QUESTION, HALF]
    assert TASK.key(DRAFT) == TASK.key(Draft({**DRAFT.fields, "tests": MORE}))


def test_a_problem_is_answered_with_one_function() -> None:
    draft = PROBLEM.read(problem_lease(), f"Here it is.\n{block(OTHER)}\nTry it:\n{block(MORE)}", FinishReason.STOP)
    assert isinstance(draft, Draft) and draft == Draft({"question": SPECIFICATION, "answer": OTHER})
    assert [message.content for message in PROBLEM.messages(SPECIFICATION, draft)] == [SPECIFICATION, OTHER]
    for said in ("def half(n): ...", f"{block(HALF)}\n{block(OTHER)}", block(TESTS)):
        assert isinstance(PROBLEM.read(problem_lease(), said, FinishReason.STOP), Malformed)


@pytest.mark.parametrize("kind", [None, Repairs.EDIT_CODE, Repairs.RESTATE_FORM, Repairs.ANSWER_SHORTER])
def test_hidden_tests_are_in_no_prompt(kind: RepairKind | None) -> None:
    asked = request_of(PROBLEM, problem_lease(kind))
    assert not any("-7" in message.content or "assert" in message.content for message in asked.messages)
    assert (HALF in asked.messages[-1].content) == (kind == Repairs.EDIT_CODE)
