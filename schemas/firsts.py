"""What the first completions and verdicts of each role came to, and what follows: looked at before a run spends."""

from enum import Enum
from typing import Annotated

from msgspec import Struct

from schemas.measures import Together, Total


class FirstCause(Enum):
    """What one of the first completions or verdicts came to."""

    DRAFT = "draft"
    """The task read a draft in the completion."""
    CUT_OFF = "cut_off"
    CUT_OFF_THINKING = "cut_off_thinking"
    """The token limit came, or the completion ended, before the model's thoughts did."""
    EMPTY = "empty"
    FORM = "form"
    """It is not of the form that the task asks for."""
    MARKUP = "markup"
    """It holds a special token, or a control character."""
    TOO_LONG = "too_long"
    NO_ANSWER = "no_answer"
    """The pool did not answer: an error."""
    PASSED = "passed"
    REJECTED = "rejected"
    VERDICT_CUT_OFF = "verdict_cut_off"
    NO_VERDICT = "no_verdict"
    """The judge answered, but not in the form asked."""
    GATE_ERROR = "gate_error"
    """The gate did not answer: an error."""


class FirstCount(Struct, frozen=True, omit_defaults=True):
    """Of the first completions of a pool, or the first verdicts of a gate, those that came to the same."""

    role: str
    cause: FirstCause
    number: Total
    said: Annotated[str, Together.FIRST] = ""
    """What was said of one of them: an error, or what the completion lacks."""


class Advice(Struct, frozen=True):
    """What was seen of a role, why, and what mends it: the keys of the configuration by their names."""

    role: str
    what: str
    why: str
    mend: str

    @property
    def words(self) -> str:
        """All of it as one paragraph."""
        return f"{self.what}: {self.why}. {self.mend}."


class Preflight(Enum):
    """What a run does when the first completions and verdicts are bad."""

    TELL = "tell"
    """It says so and goes on."""
    STOP = "stop"
    """It leases little until they have been looked at, and stops there (`gleaner run --strict`)."""
