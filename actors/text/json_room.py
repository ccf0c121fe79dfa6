"""How long the texts of a JSON reply may be, so that the reply ends before its token limit.

Law: a small model writes a text without a bound on until the limit cuts the reply off, and nothing can be read of it.
So every text that a schema asks for has a bound, and all of them together fit the limit.
"""

from collections.abc import Mapping

CHARACTERS_A_TOKEN = 3
"""What a token is counted as. English prose has about four; names, numbers and escapes have fewer, and a reply that is
cut off is worth less than one that is shorter."""
NUMBER = 20
"""Characters that a number is counted as: no schema bounds its digits."""
SHORTEST = 16
"""Characters that a text may always have, however low the limit."""


def shared(max_tokens: int, *, frame: int, weights: Mapping[str, int]) -> dict[str, int]:
    """The most characters of each text, by its weight. `frame`: what the reply has besides its texts, in characters."""
    room = CHARACTERS_A_TOKEN * max_tokens - frame
    return {name: max(SHORTEST, room * weight // sum(weights.values())) for name, weight in weights.items()}


def whole_words(text: str, *, most: int) -> str:
    """The text without its last word where it is exactly as long as it may be: there the bound has cut it."""
    if len(text) != most:
        return text
    whole, _, _ = text.rpartition(" ")
    return whole or text
