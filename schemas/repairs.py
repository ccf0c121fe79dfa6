"""The interface of your own repairs: the rejected draft that a repair gets, and the directive that it returns."""

from msgspec import Struct

from schemas.recovery import Diagnosis
from schemas.samples import Draft, MalformedReason
from schemas.verdicts import Verdict

Found = Draft | MalformedReason | None
"""The result of an attempt: a draft, or the reason why there was none; None if the reason was not recorded."""


class RejectedDraft(Struct, frozen=True):
    """A rejected attempt. `attempt` counts from 1; `temperature`: of the rejected attempt."""

    passage: str
    draft: Draft | None
    """None if the completion was malformed."""
    attempt: int
    temperature: float
    diagnosis: Diagnosis
    verdicts: tuple[Verdict, ...] = ()
    malformed: MalformedReason | None = None
    """Why the completion was malformed."""

    @property
    def found(self) -> Found:
        """The draft, or the reason why there is none."""
        return self.malformed if self.draft is None else self.draft


class Directive(Struct, frozen=True):
    """What the next attempt does differently. `words`: added to the task's prompt."""

    words: str = ""
    temperature: float | None = None
    """In [0, 2]; None: half of the rejected attempt's."""
    note: str = ""
    """The reason, for a person: `gleaner explain` shows it with the choice."""
