"""Worked solutions: how one is asked for, and which completions are read as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.tasks.math import MathTask
from actors.text.steps import steps
from schemas.config import Math, SamplingDefaults
from schemas.orders import Lease
from schemas.recovery import Repair, Repairs
from schemas.samples import Draft, FinishReason, Malformed, MalformedReason, Message, answered
from tests.doubles.asking import request_of
from tests.doubles.passages import lease_of, problem_of

TASK = MathTask(Math(sampling=SamplingDefaults(temperature=0.8, top_p=0.95, max_tokens=99)), longest_answer=12)
QUESTION = "A baker has 96 rolls and sells 71. How many are left?"
LEASE = replace(lease_of(QUESTION), passage=problem_of(QUESTION, "96-71=25\n#### 25"))


def read(text: str, finish: FinishReason = FinishReason.STOP) -> Draft | Malformed:
    return TASK.read(LEASE, text, finish)


def test_the_problem_is_asked_for_steps_and_a_marked_answer() -> None:
    """What the model sees: the problem and the form of a solution; never the reference."""
    request = request_of(TASK, LEASE)
    assert request.messages[1] == Message("user", QUESTION)
    assert "#### " in request.messages[0].content
    assert not any("25" in said.content for said in request.messages)
    assert (request.sampling.temperature, request.sampling.top_p, request.sampling.max_tokens) == (0.8, 0.95, 99)


def test_the_same_attempt_asks_the_same_and_another_attempt_draws_anew() -> None:
    """Whoever makes an attempt again sends the same request; a resample has its own seed and temperature."""
    again = replace(LEASE, attempt=2, repair=Repair(Repairs.RESAMPLE, temperature=0.4))
    assert request_of(TASK, LEASE) == request_of(TASK, LEASE)
    assert request_of(TASK, again).sampling.seed != request_of(TASK, LEASE).sampling.seed
    assert request_of(TASK, again).sampling.temperature == 0.4


def test_chat_markup_in_a_problem_is_broken_up() -> None:
    """A problem that holds a model's control tokens is text, not control."""
    marked = replace(LEASE, passage=problem_of("How many <|im_end|> are there?", "1"))
    assert "<|im_end|>" not in request_of(TASK, marked).messages[1].content


def test_a_solution_is_read_as_it_stands() -> None:
    """Its steps join to the draft's answer; a thinking block is no part of it."""
    draft = read("<think>hm</think>\n96 - 71 = 25\n#### 25\n")
    assert isinstance(draft, Draft)
    assert draft == answered(QUESTION, "96 - 71 = 25\n#### 25")
    assert [step.text for step in steps(draft.answer)] == ["96 - 71 = 25\n", "#### 25"]


SOLVED = "96 - 71 = 25\n#### 25"


@pytest.mark.parametrize(
    "text",
    [
        f"96 - 70 is \\boxed{{26}}? No.\n</think>\n\n{SOLVED}",
        f"[THINK]\\boxed{{26}}[/THINK]{SOLVED}",
        f"<thinking>#### 26</thinking>\n{SOLVED}",
        f"<|channel|>analysis<|message|>#### 26<|end|><|start|>assistant<|channel|>final<|message|>{SOLVED}<|return|>",
        f"analysisIs it 26?assistantfinal{SOLVED}",
        f"{SOLVED}<|im_end|>",
        f"<s>{SOLVED}</s>\n\x00",
        f"{SOLVED}\n\nLet me know if you would like another way to solve it!",
    ],
)
def test_what_stands_around_a_solution_is_no_part_of_it(text: str) -> None:
    """Thoughts whose opening tag was in the prompt would be judged in place of the answer, and trained on."""
    assert read(text) == answered(QUESTION, SOLVED)


def test_a_separator_between_steps_is_part_of_a_solution() -> None:
    """Long solutions part their steps by rules and labels."""
    said = "Note: rolls are whole.\n\n---\n\nExplanation: 96 - 71 = 25\n\n---\n\n#### 25"
    assert read(said) == answered(QUESTION, said)


@pytest.mark.parametrize(
    ("text", "finish", "reason", "says"),
    [
        ("96 - 71 = 25\n#### 25", FinishReason.LENGTH, MalformedReason.CUT_OFF, "cut off at the token limit"),
        (
            "<think>96 - 71 = 25\n#### 25",
            FinishReason.LENGTH,
            MalformedReason.UNFINISHED_THOUGHTS,
            "cut off at the token limit while it was thinking",
        ),
        ("<think>so", FinishReason.STOP, MalformedReason.UNFINISHED_THOUGHTS, "the thinking never ended"),
        ("", FinishReason.STOP, MalformedReason.NO_ANSWER, "does not say which its final"),
        (
            "96 - 71 = 25 are left.",
            FinishReason.STOP,
            MalformedReason.NO_ANSWER,
            "does not say which its final answer is",
        ),
        (
            "#### " + "9" * 10_000_000,
            FinishReason.STOP,
            MalformedReason.TOO_LONG,
            "the final answer has 10,000,000",
        ),
        ("#### 2\ud8005", FinishReason.STOP, MalformedReason.CONTROL_TEXT, "a broken character"),
        ("96 - 71<|im_end|> = 25\n#### 25", FinishReason.STOP, MalformedReason.CONTROL_TEXT, "'<|im_end|>'"),
        ("96 \x00- 71 = 25\n#### 25", FinishReason.STOP, MalformedReason.CONTROL_TEXT, "'\\x00'"),
    ],
)
def test_what_is_no_solution_is_malformed_with_the_reason(
    text: str, finish: FinishReason, reason: MalformedReason, says: str
) -> None:
    """Cut off, unfinished, without a marked answer, or with one that nobody compares."""
    told = read(text, finish)
    assert isinstance(told, Malformed)
    assert told.reason is reason and says in told.detail


@given(st.text(max_size=200))
def test_reading_never_raises(text: str) -> None:
    """Whatever the model said: a draft of this problem, or a reason."""
    draft = read(text)
    assert isinstance(draft, Malformed) or draft.question == QUESTION


def test_a_student_sees_the_problem_and_the_solution() -> None:
    """No instruction and no reference in the training sample."""
    said = TASK.messages(QUESTION, answered(QUESTION, "25\n#### 25"))
    assert said == (Message("user", QUESTION), Message("assistant", "25\n#### 25"))


def test_leases_carry_the_reference_to_the_verifier_and_not_to_the_model() -> None:
    """The passage of a problem is the question; its reference travels beside it."""
    assert isinstance(LEASE, Lease)
    assert LEASE.passage.text == QUESTION
    assert LEASE.passage.reference is not None
