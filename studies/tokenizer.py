"""A tokenizer whose pieces are a world's whole words; anything else falls back to bytes, so no text is lost.

Law: decoding an encoding gives the text back, whatever the text.
"""

from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}<|end|>"
    "{% elif message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""System messages are left out: they say nothing to these models."""


def tokenizer_of(pieces: Iterable[str], *, pattern: str, length: int) -> PreTrainedTokenizerFast:
    """The tokenizer with its chat template. `pattern` cuts a text; a part that is one of the `pieces` is one token.

    `length`: of the longest text, in tokens.
    """
    core = Tokenizer(BPE(vocab=_vocabulary(pieces), merges=[], ignore_merges=True))
    core.pre_tokenizer = pre_tokenizers.Sequence(  # pyright: ignore[reportAttributeAccessIssue]
        [pre_tokenizers.Split(Regex(pattern), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    core.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    core.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in (PAD, USER, ASSISTANT, END)])
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=PAD, eos_token=END, model_max_length=length, clean_up_tokenization_spaces=False
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


def _vocabulary(pieces: Iterable[str]) -> dict[str, int]:
    spelled = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokens = [PAD, USER, ASSISTANT, END, *sorted(ByteLevel.alphabet())]
    for piece in pieces:
        tokens += ["".join(word for word, _ in spelled.pre_tokenize_str(piece))]
    return {token: index for index, token in enumerate(dict.fromkeys(tokens))}
