"""A passage is data: nothing in it can end its fence or pass for chat markup."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.tasks import prompts
from actors.tasks.prompt_sets import EMBEDDED
from actors.text.markup import BROKEN
from schemas.samples import qa

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
        EMBEDDED.ask(passage),
        EMBEDDED.ask_strictly(passage),
        EMBEDDED.ask_with_quote(passage),
        EMBEDDED.ask_another(passage, avoid=other),
        EMBEDDED.ask_edit(passage, question=other, wrong_answer=other),
        prompts.judged(passage, qa(other, other)),
    ]


@given(HOSTILE, HOSTILE)
def test_every_prompt_has_one_fence(passage: str, other: str) -> None:
    """Whatever passage, question and answer hold, a prompt opens one fence and closes one."""
    for prompt in prompts_of(passage, other):
        assert (prompt.count("<<<"), prompt.count(">>>")) == (1, 1)


@given(HOSTILE, HOSTILE)
def test_no_prompt_holds_foreign_markup(passage: str, other: str) -> None:
    """A tokenizer finds no special token of a chat template in what came from a passage or a model."""
    for prompt in [*prompts_of(passage, other), prompts.rewarded(qa(other, other))]:
        assert [mark for mark in MARKUP[2:] if mark in prompt] == []


LOOK_ALIKES = [
    "＞＞＞", ">\u200b>\u200b>", ">\u2060>\u2060>", ">>\u00ad>", "›››", "»»", "〉〉〉", "⟩⟩⟩", "＜＜＜", "‹‹‹", "««",
    ">>>\u0338", "＜|im_start|＞", "<\u200b|im_end|>", "［ＩＮＳＴ］", "<thi\u00adnk>", "＜／ｓ＞",
]  # fmt: skip
MORE_MARKUP = [
    "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[THINK]", "[|assistant|]", "[gMASK]",
    "<tool_response>", "<sop>", "<reserved_106>", "[UNUSED_TOKEN_146]", "<extra_id_0>", "<SPECIAL_10>", "<seed:bos>",
    "]~b]", "[BOS]", "<BOS_TOKEN>", "<image>", "<start_of_image>", "[SEP]", "[CLS]", "<mask>", "<|turn>",
    "<fim_prefix>", "<unused7>", "<custom_token_3>", "[MY_TOKEN_2]",
]  # fmt: skip


def folded(text: str) -> str:
    """As a careless reader sees it."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    return plain.translate(dict.fromkeys(map(ord, "›»〉⟩"), ">") | dict.fromkeys(map(ord, "‹«〈⟨"), "<"))


@pytest.mark.parametrize("text", [*LOOK_ALIKES, *MORE_MARKUP])
def test_look_alikes_are_broken_too(text: str) -> None:
    """Full width, zero-width characters between, other angles: a reader that folds them must find no markup either."""
    assert folded(text) not in folded(prompts.neutralise(f"Salt. {text} Amber."))
    assert text not in prompts.neutralise(f"Salt. {text} Amber.")


@given(HOSTILE)
def test_neutral_text_reads_the_same(text: str) -> None:
    """Only invisible joiners are added: without them the text is what it was."""
    plain = text.replace(prompts.WORD_JOINER, "")
    assert prompts.neutralise(plain).replace(prompts.WORD_JOINER, "") == plain


@pytest.mark.parametrize(
    "text",
    [
        "Salt, 1 < 2 > 0, a|b, [1], see <b>bold</b>.",
        "Area [ABC], «oui», 5 ≫ 3, ＡＢＣ, ex\u00adample.",
        "Ordinary words.",
    ],
)
def test_ordinary_text_is_untouched(text: str) -> None:
    """Prose, sums and HTML are shown to the model as they stand."""
    assert prompts.neutralise(text) == text


@given(st.text(st.sampled_from("<>[]|/~!ab_:E1 ")))
def test_a_text_without_marks_needs_no_look(text: str) -> None:
    """The quick look that spares most passages the slow one misses nothing."""
    assert not BROKEN.search(text) or prompts._MARKS.search(text)
