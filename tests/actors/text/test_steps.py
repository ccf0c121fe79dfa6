"""A solution is cut into steps that can be put together again to the same text."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.text.steps import steps
from tests.doubles.gsm8k import solutions

PIECES = st.lists(
    st.sampled_from(
        [
            "2 + 3 = 5",
            "\n",
            "\r\n",
            "\r",
            " ",
            "$$",
            "\\[",
            "\\]",
            "```",
            "\\begin{align}",
            "\\end{align}",
            "\u2028",
            "x",
        ]
    ),
    max_size=24,
).map("".join)


def texts(solution: str) -> list[str]:
    return [step.text for step in steps(solution)]


@given(st.text(max_size=200) | PIECES)
@example("")
@example("\n\n")
@example("\n\na")
@example("$$\n$$\n$$")
def test_steps_join_to_the_solution_at_their_offsets_and_none_is_blank(solution: str) -> None:
    """Whatever a model writes: nothing is lost, nothing doubled, and no step is empty of content."""
    cut = steps(solution)
    assert "".join(step.text for step in cut) == solution
    assert all(solution[step.start : step.end] == step.text for step in cut)
    if solution.strip():
        assert all(step.text.strip() for step in cut)
    else:
        assert len(cut) == (1 if solution else 0)


def test_a_line_is_a_step_with_the_blank_lines_behind_it() -> None:
    """The usual case: one step a line, paragraphs apart, the final answer a step of its own."""
    assert texts("\nShe has 16.\n\nShe eats 3: 16-3=13.\n#### 13\n") == [
        "\nShe has 16.\n\n",
        "She eats 3: 16-3=13.\n",
        "#### 13\n",
    ]


def test_a_display_over_several_lines_is_one_step() -> None:
    """A derivation between \\[ and \\] or in an environment would be worth nothing in halves."""
    solution = "So\n\\[\nx = 1\n\\]\nand \\begin{align}a\n\\\\b\\end{align} hold.\n$$y\n=2$$\n```\ncode\n```\nend"
    assert texts(solution) == [
        "So\n",
        "\\[\nx = 1\n\\]\n",
        "and \\begin{align}a\n\\\\b\\end{align} hold.\n",
        "$$y\n=2$$\n",
        "```\ncode\n```\n",
        "end",
    ]


def test_a_display_that_is_never_closed_is_cut_at_its_lines() -> None:
    """A completion that was cut off inside a display still has steps."""
    assert texts("a\n\\[\nb\nc") == ["a\n", "\\[\n", "b\n", "c"]


@pytest.mark.slow
def test_a_megabyte_of_lines_is_cut_at_once() -> None:
    """A runaway completion takes time only in proportion to its length."""
    for line in ("1\n", "$$\n1\n", "\\[\n", "\\begin{a}\n", "$$\n\\]\n\\end{b}\n"):
        assert steps(line * 200_000)


def test_every_real_solution_splits_and_joins_again() -> None:
    """2,640 solutions of four models: each re-joins to the same text, and its final answer is the last step."""
    for solved in solutions():
        cut = steps(solved.solution)
        assert "".join(step.text for step in cut) == solved.solution
        assert len(cut) == len([line for line in solved.solution.split("\n") if line.strip()])
