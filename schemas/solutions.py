"""A worked solution as it is credited and verified: its steps and its final answer, each at its exact place."""

from enum import Enum

from msgspec import Struct


class Step(Struct, frozen=True):
    """One step. Law: `solution[start:end] == text`; steps follow each other without gap."""

    text: str
    start: int
    end: int


class AnswerForm(Enum):
    """How a solution gives its final answer, surest first."""

    HASHES = "hashes"
    """A last line that begins with `####`."""
    BOXED = "boxed"
    r"""Inside `\boxed{…}`."""
    PHRASE = "phrase"
    """`A: 42`, `Answer: 42`, `The answer is 42.`"""
    LAST_NUMBER = "last_number"
    """No mark at all: the last number that stands in the text. A guess."""


class FinalAnswer(Struct, frozen=True):
    """What a solution ends in. Law: `solution[start:end] == text`, without what marks it."""

    text: str
    start: int
    end: int
    form: AnswerForm

    @property
    def marked(self) -> bool:
        """Whether the solution says which its answer is."""
        return self.form is not AnswerForm.LAST_NUMBER
