"""Near-duplicate questions of one passage. Law: `similarity` is symmetric, in [0, 1], and 1 for equal questions."""

import re
from collections import Counter

from actors.words import words
from schemas.orders import Duplicate
from schemas.verdicts import Evidence, GateName, Rejected

_NUMBER = re.compile(r"\d")


def similarity(a: str, b: str) -> float:
    """Overlap of two questions' words (Jaccard, each word as often as it stands there), whatever their order.

    Questions that differ in a number are never nearly equal: where the numbers' overlap is smaller, it counts.
    """
    if a == b:
        return 1.0
    in_a, in_b = Counter(words(a)), Counter(words(b))
    return min(_jaccard(in_a, in_b), _jaccard(_numbers(in_a), _numbers(in_b), empty=1.0))


def never_similar(a: str, b: str) -> float:
    """For tasks whose question is the corpus's: asked again on purpose, it is no duplicate."""
    return 0.0


def _numbers(counted: Counter[str]) -> Counter[str]:
    return Counter({word: count for word, count in counted.items() if _NUMBER.search(word)})


def _jaccard(a: Counter[str], b: Counter[str], *, empty: float = 0.0) -> float:
    either = (a | b).total()
    return (a & b).total() / either if either else empty


def duplicate_verdict(found: Duplicate) -> Rejected:
    """The queue's refusal of a near-duplicate as a gate's verdict. The score is 1 - similarity."""
    return Rejected(
        gate=GateName.DIVERSITY,
        score=1 - found.similarity,
        threshold=1 - found.threshold,
        evidence=Evidence(note=f"order {found.of} asks nearly the same: {found.question}"),
    )
