"""A worked solution, for credit and verification: its steps and its final answer, each with its exact place."""

from enum import Enum

from msgspec import Struct


class Step(Struct, frozen=True):
    """One step. Law: `solution[start:end] == text`; steps follow each other without gap."""

    text: str
    start: int
    end: int


class AnswerForm(Enum):
    """How a solution marks its final answer, the surest form first."""

    HASHES = "hashes"
    """A last line that begins with `####`."""
    BOXED = "boxed"
    r"""Inside `\boxed{…}`."""
    PHRASE = "phrase"
    """`A: 42`, `Answer: 42`, `The answer is 42.`"""
    LAST_NUMBER = "last_number"
    """No mark: the last number in the text. A guess."""


class FinalAnswer(Struct, frozen=True):
    """The final answer. Law: `solution[start:end] == text`, without its mark."""

    text: str
    start: int
    end: int
    form: AnswerForm

    @property
    def marked(self) -> bool:
        """Whether the solution marks its answer."""
        return self.form is not AnswerForm.LAST_NUMBER
