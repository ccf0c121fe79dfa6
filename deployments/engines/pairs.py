"""Token ids of pairs, as cross-encoders read them. Law: contents are data here too, and a model whose tokenizer does
not separate two texts gets no pairs.

A premise that is too long for the model is cut into windows that overlap by half, so that a sentence cut apart in one
is whole in the next. The hypothesis is never cut.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from deployments.engines.contents import ContentTokenizer
from schemas.errors import EngineError, ErrorKind
from schemas.samples import Classification

LEAST_ROOM = 32
"""The fewest tokens of a premise in a window: a hypothesis that leaves less room is too long."""
MOST_WINDOWS = 64


class PairIds(Struct, frozen=True):
    """A pair, or a window of it. `types`: for each token its text, if the model uses that."""

    ids: list[int]
    types: list[int] | None


class PairTokenizer:
    """A Hugging Face tokenizer for pairs. Raises EngineError (refused) if it cannot read pairs."""

    def __init__(self, tokenizer: Any, contents: ContentTokenizer, *, model: str, longest: int | None) -> None:
        self._contents = contents
        self._longest = longest
        encoded = tokenizer("x", "y", return_token_type_ids=True)
        ids, types = encoded["input_ids"], encoded["token_type_ids"]
        first, second = (tokenizer.encode(text, add_special_tokens=False) for text in "xy")
        begin = _find(ids, first, 0)
        middle = None if begin is None else _find(ids, second, begin + len(first))
        if begin is None or middle is None or middle == begin + len(first):
            detail = f"{model}: its tokenizer puts nothing between two texts, so that it reads no pairs"
            raise EngineError(ErrorKind.REFUSED, detail)
        end = middle + len(second)
        self._before, self._between, self._after = ids[:begin], ids[begin + len(first) : middle], ids[end:]
        self._typed = "token_type_ids" in tokenizer.model_input_names
        self._types = [types[:begin], types[begin], types[begin + len(first) : middle], types[middle], types[end:]]

    def windows(self, premise: str, hypothesis: str) -> list[PairIds]:
        """The pair, or its windows in the order of the premise.

        Raises EngineError (permanent) for a hypothesis that leaves no room, and for too many windows.
        """
        source, said = self._contents.text(premise), self._contents.text(hypothesis)
        around = len(self._before) + len(self._between) + len(self._after)
        room = len(source) if self._longest is None else self._longest - around - len(said)
        if len(source) <= room:
            return [self._pair(source, said)]
        if room < LEAST_ROOM:
            detail = f"a claim of {len(said)} tokens leaves no room for its source; the model reads {self._longest}"
            raise EngineError(ErrorKind.PERMANENT, detail)
        starts = range(0, len(source) - room // 2, room // 2)
        if len(starts) > MOST_WINDOWS:
            detail = f"a source of {len(source)} tokens needs {len(starts)} windows; at most {MOST_WINDOWS} are read"
            raise EngineError(ErrorKind.PERMANENT, detail)
        return [self._pair(source[start : start + room], said) for start in starts]

    def _pair(self, source: list[int], said: list[int]) -> PairIds:
        before, first, between, second, after = self._types
        types = [*before, *[first] * len(source), *between, *[second] * len(said), *after]
        ids = [*self._before, *source, *self._between, *said, *self._after]
        return PairIds(ids, types if self._typed else None)


def joined(windows: Sequence[Classification]) -> Classification:
    """The classifications of a pair's windows as one."""
    first, *others = windows
    tokens = sum(each.prompt_tokens for each in windows)
    return replace(first, prompt_tokens=tokens, windows=tuple(each.probabilities for each in others))


def _find(ids: list[int], part: list[int], start: int) -> int | None:
    places = range(start, len(ids) - len(part) + 1)
    return next((place for place in places if ids[place : place + len(part)] == part), None)
