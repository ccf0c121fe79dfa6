"""A tokenizer whose pieces are the world's whole words and numbers; anything else falls back to bytes.

Law: decoding an encoding gives the text back, whatever the text.
"""

import re

from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

from studies.almanac.tokenizer import ASSISTANT, CHAT_TEMPLATE, END, PAD, USER
from studies.arithmetic.world import AMOUNTS, MOST, NAMES, NOUNS, Fact

RELATIONS = tuple(
    Fact("", amount, relation, "").told("").strip(".") for relation, amounts in AMOUNTS.items() for amount in amounts
)
"""` has 5 more than `, whole: what a sentence says of a name is then the one token behind it."""
JOINTS = (*RELATIONS, "How many ", " has ", "? ", ". ", " = ", "#### ")
"""What stands between names and numbers, blanks included: so a name is the same token wherever it stands."""
PIECES = "|".join(
    (*(re.escape(joint).replace(r"\ ", " ") for joint in JOINTS), r"[A-Za-z]+", r"[0-9]+", r"\s", r"[^\sA-Za-z0-9]")
)
LENGTH = 96
"""More tokens than the longest problem with its longest solution has."""


def _vocabulary() -> dict[str, int]:
    spelled = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokens = [PAD, USER, ASSISTANT, END, *sorted(ByteLevel.alphabet())]
    for piece in (*JOINTS, *NAMES, *NOUNS, *map(str, range(2 * MOST))):
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
        tokenizer_object=core, pad_token=PAD, eos_token=END, model_max_length=LENGTH, clean_up_tokenization_spaces=False
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


def asked(question: str) -> str:
    """The question as the chat template puts it, ready to be answered."""
    return f"{USER}{question}{END}{ASSISTANT}"
