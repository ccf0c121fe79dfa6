"""The arithmetic world: one answer to a problem, teachers who are right, steps known for what they are."""

import random

import pytest

from actors.text.final_answer import final_answer
from actors.text.steps import steps
from schemas.solutions import AnswerForm
from studies.arithmetic.teacher import CLEAN, STRONG, Teacher
from studies.arithmetic.tokenizer import LENGTH, asked, build
from studies.arithmetic.truth import Kind, kinds, right, spurious
from studies.arithmetic.world import BEYOND, EASY, HARD, MOST, ORDERLY, Level, problems

MANY = 200


@pytest.mark.parametrize("level", [EASY, HARD, ORDERLY, BEYOND])
def test_a_problem_has_one_answer_within_bounds(level: Level) -> None:
    """Every quantity follows from the sentences, and none leaves the numbers that a small model holds."""
    for one in problems(level, MANY, seed="test"):
        assert len(one.facts) == len(one.values) and set(one.chain) <= set(one.values)
        assert level.steps[0] <= len(one.chain) <= level.steps[1]
        for fact in one.facts:
            base = one.values[fact.of] if fact.of is not None else 0
            assert one.values[fact.name] == fact.value(base)
            assert 1 <= one.values[fact.name] <= MOST


def test_a_problem_told_forward_refers_back_alone() -> None:
    """Whom a sentence compares with was told of before; who does not matter can stand between those who do."""
    drawn = problems(BEYOND, MANY, seed="forward")
    for one in drawn:
        order = [fact.name for fact in one.facts]
        assert all(order.index(fact.of) < order.index(fact.name) for fact in one.facts if fact.of is not None)
        assert [name for name in order if name in one.chain] == list(one.chain)
    assert any(one.facts[-1].name == one.target for one in drawn)
    assert any(one.facts[-1].name != one.target for one in drawn)


def test_problems_follow_from_the_seed() -> None:
    """A larger set begins with the smaller one, and another seed gives others."""
    few, many = problems(HARD, 10, seed="a"), problems(HARD, 20, seed="a")
    assert few == many[:10]
    assert not {one.text for one in many} & {one.text for one in problems(HARD, 20, seed="b")}


@pytest.mark.parametrize("teacher", [CLEAN, STRONG, Teacher(spurious=1.0)])
def test_a_teacher_is_right(teacher: Teacher) -> None:
    """Whatever his habits; and task `math` reads the answer as marked and the lines as steps."""
    dice = random.Random(1)
    for one in problems(HARD, MANY, seed="taught"):
        text = teacher.solution(one, dice)
        found = final_answer(text)
        assert right(one, text) and found is not None and found.form is AnswerForm.HASHES
        assert len(steps(text)) == text.count("\n") + 1


def test_only_a_spurious_teacher_is_spurious() -> None:
    """What he adds is seen; what he leaves out is no fault."""
    dice = random.Random(2)
    drawn = problems(HARD, MANY, seed="spurious")
    assert not any(spurious(one, Teacher(terse=1.0).solution(one, dice)) for one in drawn)
    assert all(spurious(one, Teacher(spurious=1.0).solution(one, dice)) for one in drawn)


def test_a_step_is_known_for_what_it_is() -> None:
    """Sound, useless, wrong in its result, wrong in its operands, said twice, and no step at all."""
    one = problems(HARD, 1, seed="kinds")[0]
    lines = CLEAN.solution(one, random.Random(0)).splitlines()
    first, second = lines[0], lines[1]
    off = second.rsplit(" ", 1)[0] + f" {one.values[one.chain[1]] + 1}"
    beside = next(name for name in one.values if name not in one.chain)
    said = "\n".join((first, f"{beside} = {one.values[beside]}", off, "nothing", second, second, "#### 1"))
    assert kinds(one, said) == [
        Kind.SOUND, Kind.IRRELEVANT, Kind.WRONG, Kind.NONSENSE, Kind.SOUND, Kind.IRRELEVANT,
    ]  # fmt: skip
    assert not right(one, said.replace("#### 1", f"#### {one.answer + 1}"))


def test_the_tokenizer_loses_nothing() -> None:
    """A name is one token wherever it stands; what is no part of the world falls back to bytes."""
    tokenizer, dice = build(), random.Random(3)
    for one in problems(HARD, MANY, seed="tokens"):
        text = asked(one.text) + STRONG.solution(one, dice)
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text and len(ids) < LENGTH
    assert tokenizer.decode(tokenizer.encode("Zoë has ½ pie.")) == "Zoë has ½ pie."
    assert tokenizer.encode("Ada = 7\nAda has 7")[::4] == tokenizer.encode("Ada") * 2
    assert len(tokenizer.encode("Ada has 5 more than Ben.\nAda has 5 more than 7 = 12")) == 10
