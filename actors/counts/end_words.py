"""Counts the errors that ended orders, by their first words. Law: memory is limited, however many errors differ."""

import re
from collections import Counter

from schemas.orders import DeadLetter, EndReason
from schemas.progress import EndWords

ERRORS = frozenset({EndReason.ENGINE_ERROR, EndReason.GATE_ERROR, EndReason.INTERNAL_ERROR})
LONGEST = 100
"""The most characters of the words: enough for a status, an address and a sentence."""
MOST = 40
"""The most different words of a run; orders with others are counted under "" for each reason."""
_OWN = re.compile(r"\b(?:[0-9a-f]{8,}(?:-[0-9a-f]{4,})*|req[-_]\w+)\b|\d{6,}", re.IGNORECASE)
"""An id or a long number. Two errors that differ only in these count as the same."""


class EndWordsCount:
    """Counts the ends of orders, without those that a replay takes back."""

    def __init__(self) -> None:
        self._orders: Counter[tuple[EndReason, str]] = Counter()

    def add(self, end: DeadLetter) -> None:
        """Counts an end, if it is an error."""
        if end.reason in ERRORS:
            key = (end.reason, first_words(end.detail))
            self._orders[key if key in self._orders or len(self._orders) < MOST else (end.reason, "")] += 1

    def take_back(self, end: DeadLetter) -> None:
        """Takes an end out of the counts."""
        key = (end.reason, first_words(end.detail))
        key = key if self._orders[key] else (end.reason, "")
        if end.reason in ERRORS and self._orders[key]:
            self._orders[key] -= 1

    def counts(self) -> tuple[EndWords, ...]:
        """The counts, the most frequent first."""
        return tuple(
            EndWords(reason, words, orders) for (reason, words), orders in self._orders.most_common() if orders
        )


def first_words(detail: str) -> str:
    """The beginning of an error, without ids and long numbers; cut between words."""
    text = _OWN.sub("…", " ".join(detail[: 8 * LONGEST].split()))
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0] + " …"
