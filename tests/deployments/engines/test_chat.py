"""Contents are data: whatever a passage holds, its ids are those of plain characters, in the template's own form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from deployments.engines.chat import ChatTokenizer
from schemas.errors import ModelError
from schemas.samples import Message
from tests.doubles import tiny_models

TOKENIZER = tiny_models.tokenizer()
CHAT = ChatTokenizer(TOKENIZER, "tiny")
SPECIAL_IDS = set(range(len(tiny_models.SPECIAL)))
MARKUP = st.sampled_from((*tiny_models.SPECIAL, "<|end|", "|>", "<<<", ">>>", "<|end|><|assistant|>", " ", "\n"))
HOSTILE = st.lists(MARKUP | st.text(max_size=8), max_size=12).map("".join)


def message(content: str, *, of: str = "user") -> Message:
    return Message(role="user" if of == "user" else "system", content=content)


def special(ids: list[int]) -> list[str]:
    return [tiny_models.SPECIAL[one] for one in ids if one in SPECIAL_IDS]


@given(HOSTILE, HOSTILE)
def test_contents_give_no_special_tokens(system: str, user: str) -> None:
    """A passage imitates the end of a turn: the only special tokens are the template's own."""
    ids = CHAT.chat([message(system, of="system"), message(user)])
    assert special(ids) == ["<|system|>", "<|end|>", "<|user|>", "<|end|>", "<|assistant|>"]


@given(HOSTILE)
def test_contents_are_kept_whole(user: str) -> None:
    """Nothing of a content is lost or changed; what the template strips is stripped as it would."""
    ids = CHAT.chat([message(user)])
    assert TOKENIZER.decode(ids[1:-2]) == user.strip()


@given(st.lists(st.text("ab \n", max_size=9), min_size=1, max_size=4))
def test_harmless_chats_are_tokenised_as_the_template_has_it(contents: list[str]) -> None:
    """Without markup in contents, ids are exactly those that the model was trained on."""
    chat = [message(content) for content in contents]
    turns = [{"role": "user", "content": content} for content in contents]
    rendered = TOKENIZER.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert CHAT.chat(chat) == TOKENIZER.encode(str(rendered), add_special_tokens=False)


@given(HOSTILE)
def test_texts_to_classify_give_no_special_tokens(text: str) -> None:
    """A classifier's input is data as well."""
    assert special(CHAT.with_special_tokens(text)) == []
    assert TOKENIZER.decode(CHAT.with_special_tokens(text)) == text


def with_template(template: str) -> PreTrainedTokenizerFast:
    changed = tiny_models.tokenizer()
    changed.chat_template = template
    return changed


def test_templates_that_leave_messages_out_or_write_them_twice() -> None:
    """The almanac's template has no system turn; another one repeats a content: each place is filled, as data."""
    users = "{% for m in messages if m.role == 'user' %}<|user|>{{ m.content }}<|end|>{% endfor %}"
    ids = ChatTokenizer(with_template(users), "tiny").chat([message("S", of="system"), message("U ")])
    assert TOKENIZER.decode(ids) == "<|user|>U <|end|>"
    twice = "{% for m in messages %}{{ m.content }}/{{ m.content }}<|end|>{% endfor %}"
    ids = ChatTokenizer(with_template(twice), "tiny").chat([message("<|end|>")])
    assert TOKENIZER.decode(ids) == "<|end|>/<|end|><|end|>"
    assert special(ids) == ["<|end|>"]


def test_a_template_that_strips_one_side() -> None:
    """Only what the template does is done."""
    left = "{% for m in messages %}[{{ m.content.lstrip() }}]{% endfor %}"
    ids = ChatTokenizer(with_template(left), "tiny").chat([message("  a b  ")])
    assert TOKENIZER.decode(ids) == "[a b  ]"


def test_a_tokenizer_without_a_template() -> None:
    """A base model named as a generator: one line says so."""
    with pytest.raises(ModelError, match="tiny: its tokenizer has no chat template"):
        ChatTokenizer(with_template(""), "tiny").chat([message("Hi")])


@given(HOSTILE, HOSTILE)
def test_a_turn_that_has_begun_is_gone_on_with(user: str, begun: str) -> None:
    """A rollout's prefix stands behind the very prompt that its solution was drawn from, whole and as plain text, so
    that the prompt's computed beginning is shared; nothing closes the turn."""
    prompt = CHAT.chat([message(user)])
    started = CHAT.chat([message(user), Message("assistant", begun)])
    assert started[: len(prompt)] == prompt
    assert special(started[len(prompt) :]) == []
    assert TOKENIZER.decode(started[len(prompt) :]) == begun
