"""The preflight: the first completions and verdicts of each role by result, and the advice that follows."""

from enum import Enum
from typing import Annotated

from msgspec import Struct

from schemas.measures import Together, Total


class FirstCause(Enum):
    """The result of one of the first completions or verdicts."""

    DRAFT = "draft"
    """The task read a draft in the completion."""
    CUT_OFF = "cut_off"
    CUT_OFF_THINKING = "cut_off_thinking"
    """The token limit came, or the completion ended, before the model's thoughts ended."""
    EMPTY = "empty"
    FORM = "form"
    """The completion does not have the form that the task asks for."""
    MARKUP = "markup"
    """The completion holds a special token or a control character."""
    TOO_LONG = "too_long"
    NO_ANSWER = "no_answer"
    """The pool did not answer: an error."""
    PASSED = "passed"
    REJECTED = "rejected"
    VERDICT_CUT_OFF = "verdict_cut_off"
    NO_VERDICT = "no_verdict"
    """The judge answered, but not in the form asked for."""
    GATE_ERROR = "gate_error"
    """The gate did not answer: an error."""


class FirstCount(Struct, frozen=True, omit_defaults=True):
    """How many of the first completions of a pool, or first verdicts of a gate, had the same result."""

    role: str
    cause: FirstCause
    number: Total
    said: Annotated[str, Together.FIRST] = ""
    """The detail of one of them: an error, or what the completion lacks."""


class Advice(Struct, frozen=True):
    """What is wrong with a role, why, and which keys of the configuration mend it."""

    role: str
    what: str
    why: str
    mend: str

    @property
    def words(self) -> str:
        """All of it as one paragraph."""
        return f"{self.what}: {self.why}. {self.mend}."


class Preflight(Enum):
    """What a run does when the first completions or verdicts are bad."""

    TELL = "tell"
    """It says so and goes on."""
    STOP = "stop"
    """It leases few orders until the first ones are checked, and stops if they are bad (`gleaner run --strict`)."""
