"""The almanac's tokenizer: whole words are single tokens, and no text is ever lost."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from actors.tasks.prompt_sets import EMBEDDED
from studies.almanac import tokenizer as almanac_tokenizer
from studies.almanac.exam import exam

BUILT = almanac_tokenizer.build()


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return BUILT


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    """Passages are data from anywhere: other alphabets, emoji, control characters, markup."""
    assert BUILT.decode(BUILT.encode(text)) == text


@given(st.lists(st.sampled_from(["<|user|>", "<|end|>", "<<<", ">>>", "Question:", " the", "1743", "\n", "é"])))
@settings(max_examples=100, deadline=None)
def test_markup_comes_back(parts: list[str]) -> None:
    """Special tokens written out inside a text are not lost either."""
    text = "".join(parts)
    assert BUILT.decode(BUILT.encode(text), skip_special_tokens=False) == text


def test_the_almanacs_words_are_single_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    """A name, a year or a number is copied in one step."""
    for told in exam(50, seed=6):
        text = EMBEDDED.ask(told.passage.text)
        words = [str(tokenizer.decode([token])) for token in tokenizer.encode(text)]
        assert all(len(word.strip()) != 1 or not word.strip().isalnum() or word.lower() == " a" for word in words)


def test_the_chat_template_leaves_the_system_message_out(tokenizer: PreTrainedTokenizerFast) -> None:
    """It says the same to every sample: these models learnt without it, and its tokens would cost half a prompt."""
    chat = [{"role": "system", "content": EMBEDDED.system}, {"role": "user", "content": "hello"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text == "<|user|>hello<|end|><|assistant|>"


def test_loading_it_gives_the_same_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    """The shipped files, read as users read them, cut text as in training."""
    folder = Path(__file__).parents[2] / "examples" / "almanac" / "models"
    text = EMBEDDED.ask(exam(1, seed=7)[0].passage.text)
    for model in sorted(path for path in folder.iterdir() if path.is_dir()):
        loaded = AutoTokenizer.from_pretrained(model)
        assert loaded.encode(text) == tokenizer.encode(text)
        assert loaded.pad_token_id is not None
