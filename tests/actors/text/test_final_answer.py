r"""Where a solution's final answer stands: after ####, in \boxed{}, behind a phrase, or (a guess) its last number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.text.final_answer import final_answer, reference_answer
from schemas.solutions import AnswerForm
from tests.doubles.gsm8k import solutions

HASHES, BOXED, PHRASE, LAST_NUMBER = AnswerForm


@pytest.mark.parametrize(
    ("solution", "answer", "form"),
    [
        ("48/2=24\n#### 72", "72", HASHES),
        ("#### 72\n\n", "72", HASHES),
        ("####72", "72", HASHES),
        ("  #### $1,234.50. ", "$1,234.50", HASHES),
        ("#### Step 1\nx\n#### Step 2\nSo $\\boxed{7}$.", "7", BOXED),
        ("\\boxed{3} is the first part.\n#### 12", "12", HASHES),
        ("#### $\\frac{1}{2}$", "\\frac{1}{2}", HASHES),
        ("#### 5\nThat is all.", "5", HASHES),
        ("so \\boxed{\\frac{1}{\\sqrt{2}}}.", "\\frac{1}{\\sqrt{2}}", BOXED),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}", BOXED),
        ("\\boxed{\\left\\{ x : x > 0 \\right\\}}", "\\left\\{ x : x > 0 \\right\\}", BOXED),
        ("first \\boxed{1}, then \\boxed{2}", "2", BOXED),
        ("\\boxed 42", "42", BOXED),
        ("\\fbox{9}", "9", BOXED),
        ("\\boxed{ 42 }", "42", BOXED),
        ("The answer is \\boxed{7}. So 8 is wrong.", "7", BOXED),
        ("x\nA: 18", "18", PHRASE),
        ("A: $18,000.", "$18,000", PHRASE),
        ("A: -1.8 billion", "-1.8 billion", PHRASE),
        ("**Answer:** 42", "42", PHRASE),
        ("**Final Answer**: 42 dollars", "42 dollars", PHRASE),
        ("Answer = 6", "6", PHRASE),
        ("The answer is 42. I am sure of 1 thing.", "42", PHRASE),
        ("The answer is 3.5.", "3.5", PHRASE),
        ("So the final answer is: **3.5**.", "3.5", PHRASE),
        ("Final Answer: The final answer is $\\frac{2}{3}$. I hope it is correct.", "\\frac{2}{3}", PHRASE),
        ("The answer is $x = 1$ and $y = 2$.", "$x = 1$ and $y = 2$", PHRASE),
        ("The answer is 5. No: the answer is 6.", "6", PHRASE),
        ("The answer is 5... or so", "5", PHRASE),
        ("The roots are \\boxed{1} and \\boxed{2}.", "\\boxed{1} and \\boxed{2}", BOXED),
        ("$\\boxed{1}$, $\\boxed{2}$", "\\boxed{1}$, $\\boxed{2}", BOXED),
        ("\\boxed{3}. Indeed \\boxed{3}", "3", BOXED),
        ("I write it in \\boxed as asked.\nThe answer is 73.", "73", PHRASE),
        ("#### Step 2: State it\nThe answer is 73.", "73", PHRASE),
        ("#### Adding both parts\nSo the answer is 73.", "73", PHRASE),
        ("#### Step 2\nSo 70 + 3 = 73", "73", LAST_NUMBER),
        ("#### 73\nThe answer is in the last line.", "73", HASHES),
        ("Final Answer:\n\n$$73$$", "73", PHRASE),
        ("### Final Answer\n\n73", "73", PHRASE),
        ("<answer>73</answer>", "73", PHRASE),
        ("<answer> 3.5 </answer> Done.", "3.5", PHRASE),
        ("✅ Final Answer: **73**", "73", PHRASE),
        ("> **Answer:** 73", "73", PHRASE),
        ("The answer is:\n\\[73\\]", "73", PHRASE),
        ("#### 5'10\"", "5'10\"", HASHES),
        ('#### "yes"', "yes", HASHES),
        ("a = 5\nA = 6\nso 7", "7", LAST_NUMBER),
        ("She has 3 + 4 = 7 apples.", "7", LAST_NUMBER),
        ("He pays $1,234.50 for it.", "1,234.50", LAST_NUMBER),
        ("It drops to -3", "-3", LAST_NUMBER),
        ("that is 1/2 of it", "1/2", LAST_NUMBER),
    ],
)
def test_the_final_answer_is_found_where_it_is_marked(solution: str, answer: str, form: AnswerForm) -> None:
    """What real solutions end in, and what they say before and behind it."""
    found = final_answer(solution)
    assert found is not None
    assert (found.text, found.form) == (answer, form)
    assert solution[found.start : found.end] == answer
    assert found.marked == (form is not LAST_NUMBER)


@pytest.mark.parametrize("solution", ["", " \n", "I do not know.", "####", "\\boxed{}", "\\boxed{never closed", "A:"])
def test_a_solution_without_answer_has_none(solution: str) -> None:
    """Neither a mark with something behind it nor a number: nothing to verify."""
    assert final_answer(solution) is None


@given(st.text(alphabet="#\\boxed{}$A:answer is 12.,/-\n*", max_size=80) | st.text(max_size=80))
def test_an_answer_is_always_a_slice_of_the_solution(solution: str) -> None:
    """Whatever the text, the answer stands where it is said to stand, and is not blank."""
    found = final_answer(solution)
    assert found is None or (solution[found.start : found.end] == found.text and found.text.strip())


def test_a_long_runaway_solution_is_read_at_once() -> None:
    """Ten megabytes without an answer take time only in proportion to their length."""
    assert final_answer("\\boxed{" * 400_000) is None
    assert final_answer("The answer is " + "." * 1_000_000 + "x") is not None
    assert final_answer("7" * 10_000_000 + " is it") is not None


def test_a_reference_is_a_worked_solution_or_a_bare_answer() -> None:
    """GSM8K gives a solution that ends in ####, MATH the answer itself, which is no number always."""
    assert reference_answer("16-3=<<16-3=13>>13\n#### 13") == "13"
    assert reference_answer("She makes $18.\nA: 18") == "18"
    assert reference_answer(" \\frac{1}{2} ") == "\\frac{1}{2}"
    assert reference_answer("3 and 4") == "3 and 4"


def test_no_part_of_a_reference_is_lost() -> None:
    """A reference of two boxes or two last lines asks for both: half of it is no right answer."""
    assert reference_answer("Width \\boxed{4}, height \\boxed{7}.") == "4, 7"
    assert reference_answer("It is \\boxed{4}. So \\boxed{4}.") == "4"
    assert reference_answer("so\n#### 4\n#### 7") == "4, 7"
    assert reference_answer("#### Step 1\n2+2=4\n#### 4") == "4"
    assert reference_answer("\\boxed{\\boxed{4}}") == "\\boxed{4}"


def test_every_real_solution_gives_its_marked_answer() -> None:
    """2,640 real solutions: the answer behind `A: `, but for seven that ran into the token limit."""
    unmarked = 0
    for solved in solutions():
        last = solved.solution.rstrip().split("\n")[-1]
        found = final_answer(solved.solution)
        if last.startswith("A: "):
            assert found is not None
            assert found.text == last.removeprefix("A: ").rstrip(".")
        else:
            unmarked += 1
            assert found is None or not found.marked
    assert unmarked == 7
