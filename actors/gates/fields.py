"""The values of a sample that a rule may read, by name."""

from collections.abc import Mapping

from schemas.verdicts import GateRequest

TEXTS = ("question", "answer", "quote", "passage", "reference")
"""Names of texts in rules; a text that a sample does not have is empty."""
OF_EVERY_TASK = ("passage", "reference")
"""Names of the texts that belong to no draft."""
NUMBERS = ("attempt",)


def fields_of(request: GateRequest) -> Mapping[str, str | float]:
    """The value of each name."""
    passage = request.passage
    return {
        **dict.fromkeys(TEXTS, ""),
        **request.draft.fields,
        "passage": passage.text,
        "reference": passage.reference or "",
        "attempt": float(request.attempt),
    }
