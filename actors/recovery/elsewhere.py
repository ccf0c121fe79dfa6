"""Whether another passage of the corpus states what a draft says: the only evidence that passages were mixed up.

Law: the index holds all passages of the corpus from the start, so a diagnosis depends on the corpus and never on the
order of the stream. It compares words only and ranks nothing. Another passage states a draft if it has every content
word of the answer and every name of the question, while the sample's own passage lacks one of these names. A question
without names needs nearly all of its words instead.
"""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence

from actors.text.words import stems
from schemas.corpus import Passage
from schemas.ids import PassageId
from schemas.samples import Texts, asked_and_said

ABOUT = 0.75
"""The share of the question's content words that a passage must have to be about it."""


class Elsewhere:
    """The index: about four bytes for each word of each passage, and the passages' ids."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._ids: list[PassageId] = []
        self._places: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        for place, passage in enumerate(passages):
            self._ids.append(passage.id)
            for stem in stems(passage.text):
                self._places[stem].append(place)

    def tells(self, texts: Texts, own: Passage) -> PassageId | None:
        """The passage that states it, with most words of the question; None when no other passage does."""
        question, answer = asked_and_said(texts)
        asked, said, named, here = stems(question), stems(answer), names(question), stems(own.text)
        if not asked or not said or (named and named <= here):
            return None
        least = len(named) if named else ABOUT * len(asked)
        if not named and len(asked & here) >= least:
            return None
        having = self._having(said | named)
        shared = {place: sum(_holds(self._on(stem), place) for stem in asked) for place in having}
        found = [(count, -place) for place, count in shared.items() if count >= least]
        return self._ids[-max(found)[1]] if found else None

    def _having(self, wanted: frozenset[str]) -> set[int]:
        first, *rest = sorted((self._on(stem) for stem in wanted), key=len)
        return set(first).intersection(*rest)

    def _on(self, stem: str) -> Sequence[int]:
        return self._places.get(stem, ())


def _holds(places: Sequence[int], place: int) -> bool:
    at = bisect_left(places, place)
    return at < len(places) and places[at] == place


def names(question: str) -> frozenset[str]:
    """Stems of the question's words with a capital first letter or a digit, except its first word."""
    inside = question.split()[1:]
    return stems(" ".join(word for word in inside if word[:1].isupper() or any(letter.isdigit() for letter in word)))
