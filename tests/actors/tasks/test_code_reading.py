"""Code between fences, as models write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.tasks.code_reading import read_code, write_code
from actors.tasks.field_reading import fields_form
from actors.tasks.odd_texts import odd_completions
from actors.tasks.prompts import WORD_JOINER
from schemas.samples import Draft, FinishReason, Malformed, MalformedReason

FORM = fields_form({"code": 60}, max_tokens=100)
CODE = "  if x:\n    print(`x`)"
M = MalformedReason


def read(text: str, finish: FinishReason = FinishReason.STOP) -> Draft | Malformed:
    return read_code(text, finish, FORM)


@pytest.mark.parametrize(
    "text",
    [
        f"```\n{CODE}\n```",
        f"```python\r\n{CODE}\n```\n\nThis prints it.".replace("\n", "\r\n"),
        f"<think>How?\n```\nnot this\n```</think>Sure:\n\n~~~ c++ title=a\n{CODE}\n~~~",
        f"````md\n{CODE}\n````",
        f"```python\n{CODE}\n```\nThat is:\n```python\n{CODE}\n```",
        f"```\n\n{CODE}\n\n```<|im_end|>",
    ],
)
def test_code_is_read_whatever_stands_around_it(text: str) -> None:
    """Its first indent is kept, empty lines at its ends are not."""
    assert read(text) == Draft({"code": CODE})


def test_a_longer_fence_holds_a_shorter_one() -> None:
    """As in Markdown."""
    inside = "# Title\n```sh\nls\n```"
    assert read(f"````md\n{inside}\n````") == Draft({"code": inside})
    assert read(write_code({"code": inside})) == Draft({"code": inside})


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("", M.EMPTY, "the reply is empty"),
        ("print(1)", M.NO_LABEL, "the code is missing: there is no code between ``` fences"),
        ("```\nprint(1)", M.NO_ANSWER, "the code is code whose fence is never closed"),
        ("```\n1\n```\n```\n2\n```", M.REPEATED, "the code is given twice: there are 2 blocks of code"),
        ("```\n\n```", M.NO_ANSWER, "the code is empty"),
        ("```\na<|im_end|>b\n```", M.CONTROL_TEXT, "the code holds control text: '<|im_end|>'"),
        (f"```\n{'x' * 61}\n```", M.TOO_LONG, "the code has 61 characters; at most 60"),
    ],
)
def test_what_is_no_code_says_why(text: str, reason: MalformedReason, detail: str) -> None:
    """One block is expected; an example of its use beside it may be another program."""
    assert read(text) == Malformed(reason, detail)


@pytest.mark.parametrize("text", ["", "Let me", "```\nprint(1)", "```\n1\n```\n```\n2"])
def test_half_of_it_is_cut_off(text: str) -> None:
    """The limit came before the end."""
    made = read(text, FinishReason.LENGTH)
    assert isinstance(made, Malformed) and made.reason is M.CUT_OFF


def test_a_whole_block_stands_though_a_remark_behind_it_is_cut_off() -> None:
    """What is read was finished."""
    assert read(f"```\n{CODE}\n```\nThis pri", FinishReason.LENGTH) == Draft({"code": CODE})


@given(st.one_of(st.text(), st.sampled_from([text for _, text in odd_completions()])), st.sampled_from(FinishReason))
def test_it_never_raises(text: str, finish: FinishReason) -> None:
    """Whatever a model says."""
    assert isinstance(read(text, finish), Draft | Malformed)


LETTERS = st.characters(
    codec="utf-8", exclude_categories=["Cc"], exclude_characters=WORD_JOINER, include_characters="\n`~"
)


@given(st.text(LETTERS, min_size=1))
def test_what_is_written_is_read_back(code: str) -> None:
    """But for empty lines at its ends."""
    made = read_code(write_code({"code": code}), FinishReason.STOP, fields_form({"code": 10_000}, max_tokens=100))
    if isinstance(made, Draft):
        assert made == Draft({"code": code.strip("\n")})
