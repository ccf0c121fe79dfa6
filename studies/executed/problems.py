"""What an order is about: a small problem in two meanings, with every text that the scripted writer gives of it.

Law: a draft has two halves. Of a function they are the code and its tests, under a question that stands; of a query
they are the SQL and the question. Each half has one text for each state, and a text tells its state, so that the writer
knows what it is shown and nothing else.
"""

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct


class State(Enum):
    """What is the matter with a half. `OTHER`: it is sound and means something else, easily taken for what is meant."""

    RIGHT = "right"
    OTHER = "other"
    SYNTAX = "syntax"
    NAME = "name"
    CRASH = "crash"
    ENDLESS = "endless"
    EMPTY = "empty"
    """A query that finds nothing."""
    WEAK = "weak"
    """Tests that notice nothing."""


class Half(Enum):
    """Of a draft. `PARTNER`: the tests of a function, the question of a query."""

    ANSWER = "answer"
    PARTNER = "partner"

    @property
    def other(self) -> "Half":
        return Half.PARTNER if self is Half.ANSWER else Half.ANSWER


States = Mapping[Half, State]
MEANINGS = (State.RIGHT, State.OTHER)


class Problem(Struct, frozen=True):
    """One problem. `question`: that of a function; empty where the partner is the question."""

    name: str
    texts: Mapping[Half, Mapping[State, str]]
    question: str = ""

    def state(self, half: Half, text: str) -> State | None:
        """The state of a half with this text, spaces apart; None where it is none of this problem's."""
        return next((state for state, own in self.texts[half].items() if own.split() == text.split()), None)

    def wanted(self, half: Half, shown: States) -> State:
        """What the half must be, if it alone is written again."""
        other = shown[half.other]
        if self.question:
            return State.RIGHT
        return other if other in MEANINGS else shown[half]

    def tempting(self, half: Half, shown: States) -> State:
        """What a message can talk a sound half into: to fit wrong tests, or what another reader understood."""
        if self.question:
            return State.OTHER if shown[half.other] is State.OTHER else shown[half]
        return State.OTHER if shown[half] is State.RIGHT else State.RIGHT
