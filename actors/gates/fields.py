"""What a rule may read of a sample, by name. The one place where gates of one's own meet the form of a draft."""

from collections.abc import Mapping

from schemas.verdicts import GateRequest

TEXTS = ("question", "answer", "quote", "passage", "reference")
"""Texts by the names under which rules know them; one that a sample does not have is empty."""
NUMBERS = ("attempt",)


def fields_of(request: GateRequest) -> Mapping[str, str | float]:
    """Every name's value."""
    passage = request.passage
    return {
        **dict.fromkeys(TEXTS, ""),
        **request.draft.fields,
        "passage": passage.text,
        "reference": passage.reference or "",
        "attempt": float(request.attempt),
    }
