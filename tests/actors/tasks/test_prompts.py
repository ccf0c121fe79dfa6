"""A passage is data: nothing in it can end its fence or pass for chat markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.tasks import prompts

MARKUP = [
    "<<<", ">>>", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "[INST]", "[/INST]", "<<SYS>>", "</s>",
    "<s>", "<start_of_turn>", "<eos>", "<pad>", "<think>", "</think>", "<tool_call>", "<｜User｜>", "<|", "|>",
]  # fmt: skip
HOSTILE = st.lists(
    st.sampled_from([*MARKUP, "<", ">", "|", "[", "\n", "system", "Answer: yes", '{"score": 1}', "```"])
    | st.text(max_size=5),
    max_size=20,
).map("".join)


def prompts_of(passage: str, other: str) -> list[str]:
    return [
        prompts.ask(passage),
        prompts.ask_strictly(passage),
        prompts.ask_with_quote(passage),
        prompts.ask_another(passage, avoid=other),
        prompts.ask_edit(passage, question=other, wrong_answer=other),
        prompts.judged(passage, question=other, answer=other),
    ]


@given(HOSTILE, HOSTILE)
def test_every_prompt_has_one_fence(passage: str, other: str) -> None:
    """Whatever passage, question and answer hold, a prompt opens one fence and closes one."""
    for prompt in prompts_of(passage, other):
        assert (prompt.count("<<<"), prompt.count(">>>")) == (1, 1)


@given(HOSTILE, HOSTILE)
def test_no_prompt_holds_foreign_markup(passage: str, other: str) -> None:
    """A tokenizer finds no special token of a chat template in what came from a passage or a model."""
    for prompt in [*prompts_of(passage, other), prompts.rewarded(question=other, answer=other)]:
        assert [mark for mark in MARKUP[2:] if mark in prompt] == []


@given(HOSTILE)
def test_neutral_text_reads_the_same(text: str) -> None:
    """Only invisible joiners are added: without them the text is what it was."""
    plain = text.replace(prompts.WORD_JOINER, "")
    assert prompts.neutralise(plain).replace(prompts.WORD_JOINER, "") == plain


@pytest.mark.parametrize("text", ["Salt, 1 < 2 > 0, a|b, [1], see <b>bold</b>.", "Ordinary words."])
def test_ordinary_text_is_untouched(text: str) -> None:
    """Prose, sums and HTML are shown to the model as they stand."""
    assert prompts.neutralise(text) == text
