"""A gate's results on a labelled file (`gleaner audit`). Law: a row that could not be judged is in no rate."""

from msgspec import Struct

from schemas.errors import ErrorKind
from schemas.verdicts import GateName


class Rate(Struct, frozen=True):
    """`successes` of `trials`, with the 95% Wilson interval; None if there were no trials."""

    successes: int
    trials: int
    value: float | None
    low: float | None
    high: float | None


class ClassFigures(Struct, frozen=True):
    """How well the gate finds one class. Precision: how many of those it calls so are; recall: how many of those that
    are it calls so."""

    precision: Rate
    recall: Rate
    f1: float | None
    f1_interval: tuple[float, float] | None = None
    """95% interval: f1 = 2J / (1 + J), with the Wilson interval of J, the hits among all that are or were called so."""


class Disagreement(Struct, frozen=True):
    """A row whose verdict differs from its label. `line` counts the file's lines from 1."""

    line: int
    label: bool
    score: float
    question: str
    answer: str
    note: str


class NotJudged(Struct, frozen=True):
    """A row on which the gate ended in an error."""

    line: int
    label: bool
    error: ErrorKind
    detail: str


class GateAudit(Struct, frozen=True):
    """A gate compared with labels; a row whose label is true should pass."""

    gate: GateName
    labelled: str
    """The file's name."""
    sha256: str
    """Digest of the file."""
    threshold: float | None
    """A score of at least this passed; None if no row was judged."""
    rows: int
    judged: int
    errors: int
    good_passed: int
    good_rejected: int
    bad_passed: int
    bad_rejected: int
    agreement: Rate
    """Rows judged as labelled, among all that were judged."""
    passing: ClassFigures
    """Figures of the good rows: rows that pass should be good."""
    rejecting: ClassFigures
    """Figures of the bad rows: rows that are rejected should be bad."""
    auroc: float | None
    """Area under the ROC curve of the scores; None if the gate only says right or wrong, or if one class is missing."""
    seconds: float
    """Wall time, without loading models."""
    disagreements: tuple[Disagreement, ...]
    not_judged: tuple[NotJudged, ...]
    auroc_interval: tuple[float, float] | None = None
    """95% interval by Newcombe 2006, method 5."""
    repeated: int = 0
    """Rows of the file that repeat others: in `rows`, and in no other number. rows = judged + errors + repeated."""
