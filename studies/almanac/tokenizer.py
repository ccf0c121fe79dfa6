"""A tokenizer whose pieces are the almanac's whole words; anything else falls back to bytes, so no text is lost.

Law: decoding an encoding gives the text back, whatever the text.
"""

import re
from collections.abc import Iterable, Iterator

from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

from actors.tasks import prompts
from studies.almanac import lexicon
from studies.almanac.phrases import ATTRIBUTES, KINDS

PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"
PIECES = r"'s| ?[A-Za-z]+| ?[0-9]+| ?<<<| ?>>>| ?[^\sA-Za-z0-9]|\s"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}<|end|>"
    "{% elif message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
FILLERS = (
    "perhaps",
    "maybe",
    "unknown",
    "about",
    "or",
    "someone",
    "something",
    "sometime",
    "long",
    "ago",
    "It",
    "is",
    "not",
    "said",
    "this",
    "that",
    "one",
    "there",
    "some",
    "a",
    "few",
    "name",
    "nobody",
    "knows",
    "somewhere",
)
"""Words that only answers of poor quality use."""


def _texts() -> Iterator[str]:
    """Every wording the models read or write, values left out."""
    for attribute in ATTRIBUTES:
        for template in (*attribute.sentences, *attribute.questions):
            text = template.format(S="It", s="it", P="Its", p="its", v="x", n="x")
            yield from (f" {text}", f" {text[:1].upper()}{text[1:]}", f" {attribute.unit}")
    yield from (
        prompts.ask("x"),
        prompts.ask_strictly("x"),
        prompts.ask_with_quote("x"),
        prompts.ask_another("x", avoid="y"),
        prompts.ask_edit("x", question="y", wrong_answer="z"),
        "Quote: x\nQuestion: x\nAnswer: x",
    )
    for word in (*KINDS, *FILLERS, "the", "The", "it", "It", "Its", "its", "A", "the Amber's"):
        yield f" {word}"


def _values() -> Iterator[str]:
    words: Iterable[str] = (
        *lexicon.MODIFIERS, *(noun for nouns in lexicon.NOUNS.values() for noun in nouns), *lexicon.FIRST_NAMES,
        *lexicon.LAST_NAMES, *lexicon.PLACES, *lexicon.RIVERS, *lexicon.STARS, *lexicon.GOODS, *lexicon.MATERIALS,
        *lexicon.COLOURS, *lexicon.ANIMALS, *lexicon.YEARS, *lexicon.COUNTS,
    )  # fmt: skip
    for word in words:
        yield f" {word}"
        if word.islower():
            yield f" {word.capitalize()}"


def _vocabulary() -> dict[str, int]:
    spelled = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokens = [PAD, USER, ASSISTANT, END, *sorted(ByteLevel.alphabet())]
    for text in (*_texts(), *_values()):
        for piece in re.findall(PIECES, text):
            tokens += ["".join(word for word, _ in spelled.pre_tokenize_str(piece))]
    return {token: index for index, token in enumerate(dict.fromkeys(tokens))}


def build() -> PreTrainedTokenizerFast:
    """The tokenizer with its chat template (system messages are left out: they say nothing to these models)."""
    core = Tokenizer(BPE(vocab=_vocabulary(), merges=[], ignore_merges=True))
    core.pre_tokenizer = pre_tokenizers.Sequence(  # pyright: ignore[reportAttributeAccessIssue]
        [pre_tokenizers.Split(Regex(PIECES), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    core.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    core.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in (PAD, USER, ASSISTANT, END)])
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=PAD, eos_token=END, model_max_length=512, clean_up_tokenization_spaces=False
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped
