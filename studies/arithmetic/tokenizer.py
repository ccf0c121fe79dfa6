"""The arithmetic world's tokenizer: its whole words and numbers, and what stands between them."""

import re

from transformers import PreTrainedTokenizerFast

from studies.arithmetic.world import AMOUNTS, MOST, NAMES, NOUNS, Fact
from studies.tokenizer import ASSISTANT, END, USER, tokenizer_of

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


def build() -> PreTrainedTokenizerFast:
    """The world's tokenizer."""
    return tokenizer_of((*JOINTS, *NAMES, *NOUNS, *map(str, range(2 * MOST))), pattern=PIECES, length=LENGTH)


def asked(question: str) -> str:
    """The question as the chat template puts it, ready to be answered."""
    return f"{USER}{question}{END}{ASSISTANT}"
