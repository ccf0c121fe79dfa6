"""Chat templates as real models have them: each message reaches the model, or the run does not start."""

import pytest
from msgspec.structs import replace
from transformers import PreTrainedTokenizerFast

from actors.tasks.reading import parse
from deployments.engines.chat import ChatTokenizer
from deployments.engines.facts import SWITCHES
from schemas.errors import ConfigError, EngineError, ErrorKind, ModelError
from schemas.role_cards import SystemTurn
from schemas.samples import (
    Completion,
    FinishReason,
    GenerationRequest,
    Malformed,
    MalformedReason,
    Message,
    Sampling,
    answered,
)  # fmt: skip
from tests.doubles import templates, tiny_models

SYSTEM, USER, ANSWER = Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "So")
WITH_EXAMPLE = (SYSTEM, USER, ANSWER, USER)


def tokenizer(template: str, *added: str) -> PreTrainedTokenizerFast:
    made = tiny_models.tokenizer()
    made.chat_template = template
    made.add_tokens(list(added))
    return made


def prompt(chat: ChatTokenizer, *messages: Message) -> str:
    return str(tiny_models.tokenizer().decode(chat.chat(messages)))


def why_not(template: str, **options: object) -> str:
    with pytest.raises(ModelError) as raised:
        ChatTokenizer(tokenizer(template), "tiny", **options).check()  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("tiny: its chat template ")
    return str(raised.value)


@pytest.mark.parametrize("template", [templates.REFUSES_SYSTEM, templates.ALTERNATES])
def test_a_template_that_refuses_the_system_role(template: str) -> None:
    """Gemma with the default: found when the model starts, not at the first of 200 orders; the way out is named."""
    said = why_not(template)
    assert "refuses the turns system, user: " in said
    assert "`system_role: merge`" in said


@pytest.mark.parametrize("template", [templates.REFUSES_SYSTEM, templates.ALTERNATES])
def test_the_system_text_begins_the_user_turn(template: str) -> None:
    """With `system_role: merge` both arrive, in every sequence of turns that a run sends."""
    chat = ChatTokenizer(tokenizer(template), "tiny", system_role="merge")
    chat.check()
    merged = "<|user|>Be brief.\n\nHi<|end|>"
    assert prompt(chat, SYSTEM, USER) == f"{merged}<|assistant|>"
    assert prompt(chat, SYSTEM, USER, ANSWER) == f"{merged}<|assistant|>So"
    assert prompt(chat, *WITH_EXAMPLE) == f"{merged}<|assistant|>So<|end|><|user|>Hi<|end|><|assistant|>"


@pytest.mark.parametrize("template", [templates.PARTS, templates.TEXT_OR_PARTS, templates.PARTS_OF_USERS])
def test_contents_in_parts(template: str) -> None:
    """A template of a model that sees images too reads contents as lists: it gets lists, and the passage arrives."""
    chat = ChatTokenizer(tokenizer(template), "tiny")
    chat.check()
    opening = "<|system|>Be brief.<|end|><|user|>Hi<|end|><|assistant|>"
    assert prompt(chat, SYSTEM, USER) == opening
    assert prompt(chat, *WITH_EXAMPLE) == f"{opening}So<|end|><|user|>Hi<|end|><|assistant|>"


def test_parts_are_data_too() -> None:
    """What a passage spells inside a part is no markup, and is stripped as the template does it."""
    ids = ChatTokenizer(tokenizer(templates.PARTS), "tiny").chat([Message("user", " <|end|> ")])
    assert [one for one in ids if one == tiny_models.END_ID] == [tiny_models.END_ID]
    assert tiny_models.tokenizer().decode(ids) == "<|user|><|end|><|end|><|assistant|>"


@pytest.mark.parametrize(
    ("template", "role"), [(templates.LOSES_USER, "user"), (templates.LOSES_EARLIER_ANSWERS, "assistant")]
)
def test_a_template_that_loses_a_message(template: str, role: str) -> None:
    """The prompt would be the template's words alone, and the answers would be about nothing: refused at start."""
    assert f"leaves out the content of the role {role}" in why_not(template)


def test_a_message_lost_later() -> None:
    """Turns that no start has tried are an error of their order, never a prompt without its text."""
    only_first = "{{ messages[0].content }}"
    with pytest.raises(EngineError, match="leaves out the content of the role user") as raised:
        ChatTokenizer(tokenizer(only_first), "tiny").chat([USER, USER])
    assert raised.value.kind is ErrorKind.PERMANENT


def test_a_template_may_leave_the_system_turn_out() -> None:
    """Models that were trained without one; with `merge` the text arrives all the same."""
    users = templates.WITHOUT_SYSTEM
    chat = ChatTokenizer(tokenizer(users), "tiny")
    chat.check()
    assert prompt(chat, SYSTEM, USER) == "<|user|>Hi<|end|><|assistant|>"
    merged = ChatTokenizer(tokenizer(users), "tiny", system_role="merge")
    assert prompt(merged, SYSTEM, USER) == "<|user|>Be brief.\n\nHi<|end|><|assistant|>"


def test_thinking_is_switched_off() -> None:
    """Qwen3 thinks until its limit unless its template is told; the assistant's turn then begins with empty thoughts,
    and a turn that is continued stands behind them."""
    made = tokenizer(templates.THINKS)
    quiet = ChatTokenizer(made, "tiny", template_kwargs={"enable_thinking": False})
    quiet.check()
    assert prompt(ChatTokenizer(made, "tiny"), USER).endswith("<|assistant|>")
    assert prompt(quiet, USER).endswith("<|assistant|><think>\n\n</think>\n\n")
    assert prompt(quiet, USER, ANSWER).endswith("<|assistant|><think>\n\n</think>\n\nSo")


def test_what_a_template_is_in_words() -> None:
    """Seen before a run is paid for: the turns as the model gets them, the system's text, the switch for thinking."""
    plain = ChatTokenizer(tokenizer(tiny_models.CHAT_TEMPLATE), "tiny")
    assert plain.shape() == "<|system|>{system}<|end|><|user|>{user}<|end|><|assistant|>"
    assert (plain.system_turn(), plain.variables(SWITCHES)) == (SystemTurn.OWN, ())
    merged = ChatTokenizer(tokenizer(templates.REFUSES_SYSTEM), "tiny", system_role="merge")
    assert merged.shape() == "<|user|>{user}<|end|><|assistant|>"
    assert merged.system_turn() is SystemTurn.MERGED
    silent = ChatTokenizer(tokenizer(templates.WITHOUT_SYSTEM), "tiny")
    assert silent.system_turn() is SystemTurn.LEFT_OUT
    thinking = tokenizer(templates.THINKS)
    assert ChatTokenizer(thinking, "tiny").variables(SWITCHES) == ("enable_thinking: not set",)
    quiet = ChatTokenizer(thinking, "tiny", template_kwargs={"enable_thinking": False})
    assert quiet.variables(SWITCHES) == ("enable_thinking: false",)


@pytest.mark.parametrize("name", ["enable_thinkng", "add_generation_prompt", "messages"])
def test_a_template_variable_that_does_nothing(name: str) -> None:
    """A typing error would change nothing and be found after the bill; what we give ourselves is not to be given."""
    with pytest.raises(ConfigError, match=rf"tiny: chat_template_kwargs\.{name}: .* no such variable"):
        ChatTokenizer(tokenizer(templates.THINKS), "tiny", template_kwargs={name: False})


def test_tokens_beyond_the_model() -> None:
    """Gemma 3 has a token more than embeddings: harmless while no prompt holds it, refused where the template does."""
    spare = tokenizer(tiny_models.CHAT_TEMPLATE, "<|image|>")
    chat = ChatTokenizer(spare, "tiny", rows=len(spare) - 1)
    chat.check()
    assert max(chat.chat([Message("user", "<|image|>")])) < len(spare) - 1
    used = tokenizer("<|image|>" + tiny_models.CHAT_TEMPLATE, "<|image|>")
    with pytest.raises(ModelError, match=r"tiny: its chat template writes '<\|image\|>', token 261; the model has 261"):
        ChatTokenizer(used, "tiny", rows=261).check()


ASKED = GenerationRequest("r", (SYSTEM, USER), Sampling())
CUT = Completion("r", "Question: Who?\nAnswer: Oda\nQuestion: Or", FinishReason.LENGTH, 9, 9)


def turn(chat: ChatTokenizer, request: GenerationRequest = ASKED) -> str:
    return chat.as_turn(request, CUT).text


def test_a_template_that_begins_the_thoughts_itself() -> None:
    """DeepSeek-R1's mark stands in the prompt, so a completion that was cut off inside of its thoughts looks like an
    answer: with the mark it is read for what it is."""
    chat = ChatTokenizer(tokenizer(templates.BEGINS_THOUGHTS), "tiny")
    chat.check()
    assert prompt(chat, SYSTEM, USER).endswith("<|assistant|><think>\n")
    assert turn(chat) == f"<think>\n{CUT.text}"
    read = parse(turn(chat), FinishReason.LENGTH)
    assert isinstance(read, Malformed) and read.reason is MalformedReason.UNFINISHED_THOUGHTS
    thought = replace(CUT, text="Who? Oda.\n</think>\n\nQuestion: Who?\nAnswer: Oda", finish=FinishReason.STOP)
    assert parse(chat.as_turn(ASKED, thought).text, FinishReason.STOP) == answered("Who?", "Oda")


def test_a_turn_that_does_not_begin_with_thoughts_stays_as_it_is() -> None:
    """One that is gone on with, one that a schema holds, and Qwen3's, whose models open their thoughts themselves."""
    chat = ChatTokenizer(tokenizer(templates.BEGINS_THOUGHTS), "tiny")
    assert turn(chat, replace(ASKED, messages=(SYSTEM, USER, ANSWER))) == CUT.text
    assert turn(chat, replace(ASKED, json_schema="{}")) == CUT.text
    for variables in ({}, {"enable_thinking": False}):
        assert turn(ChatTokenizer(tokenizer(templates.THINKS), "tiny", template_kwargs=variables)) == CUT.text
