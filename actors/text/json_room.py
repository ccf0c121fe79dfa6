"""How long the texts of a JSON reply may be, so that the reply ends before its token limit.

Law: every text that a schema asks for has a bound, and all of them together fit the limit, unless it is too low for
`SHORTEST`. Without a bound a small model writes until the limit cuts the reply off, and then the reply is unreadable.
"""

from collections.abc import Mapping

CHARACTERS_A_TOKEN = 3
"""Characters counted for a token. English prose has about four; names, numbers and escapes have fewer. The count is low
because a reply that is cut off is worth less than a shorter one."""
NUMBER = 20
"""Characters counted for a number: no schema bounds its digits."""
SHORTEST = 16
"""Characters that a text may always have, however low the limit."""


def shared(max_tokens: int, *, frame: int, weights: Mapping[str, int]) -> dict[str, int]:
    """The most characters of each text, by its weight. `frame`: the characters of the reply outside its texts."""
    room = CHARACTERS_A_TOKEN * max_tokens - frame
    return {name: max(SHORTEST, room * weight // sum(weights.values())) for name, weight in weights.items()}


def whole_words(text: str, *, most: int) -> str:
    """The text without its last word if it has the greatest length: then the bound has cut it."""
    if len(text) != most:
        return text
    whole, _, _ = text.rpartition(" ")
    return whole or text
