"""The seam of repairs: what a repair is made from, and what it comes to."""

from msgspec import Struct

from schemas.recovery import Diagnosis
from schemas.samples import Draft, MalformedReason
from schemas.verdicts import Verdict

Found = Draft | MalformedReason | None
"""What an attempt came to: a draft, or why it was none; None where that was not recorded."""


class RejectedDraft(Struct, frozen=True):
    """What is to be repaired. `attempt` counts from 1; `temperature` is that of the rejected attempt."""

    passage: str
    draft: Draft | None
    """None where the completion was no draft."""
    attempt: int
    temperature: float
    diagnosis: Diagnosis
    verdicts: tuple[Verdict, ...] = ()
    malformed: MalformedReason | None = None
    """Why the completion was no draft."""

    @property
    def found(self) -> Found:
        """What there is to repair."""
        return self.malformed if self.draft is None else self.draft


class Directive(Struct, frozen=True):
    """What the next attempt does differently: `words` are told to the model besides what the task asks."""

    words: str = ""
    temperature: float | None = None
    """In [0, 2]; None for half of the rejected attempt's."""
    note: str = ""
    """Why, for a person: `gleaner explain` shows it with the choice."""
