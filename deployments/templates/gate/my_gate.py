"""The gate my_gate. Change what it counts; docs/gates.md says what a gate may answer and how it asks a model."""

from actors.gates.own import passed, rejected
from schemas.verdicts import GateRequest, Passed, Rejected

MOST_WORDS = 60


def check(request: GateRequest) -> Passed | Rejected:
    """Passes drafts of 1 to 60 words, all fields but a quote together."""
    words = sum(len(text.split()) for _, text in request.rated)
    return passed(f"{words} words") if 1 <= words <= MOST_WORDS else rejected(f"{words} words")
