"""What `gleaner audit` measured of a gate on a labelled file. Law: a row that could not be judged is in no rate."""

from msgspec import Struct

from schemas.errors import ErrorKind
from schemas.verdicts import GateName


class Rate(Struct, frozen=True):
    """`successes` of `trials`, with the 95% Wilson interval; None where there were no trials."""

    successes: int
    trials: int
    value: float | None
    low: float | None
    high: float | None


class ClassFigures(Struct, frozen=True):
    """How well the gate finds one class: of what it called so, how much is; of what is, how much it called so."""

    precision: Rate
    recall: Rate
    f1: float | None
    f1_interval: tuple[float, float] | None = None
    """95%: f1 = 2J / (1 + J), with the Wilson interval of J, the hits among all that are or were called so."""


class Disagreement(Struct, frozen=True):
    """A row that the gate judged otherwise than its label says. `line` counts the file's lines from 1."""

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
    """A gate against labels; a row whose label is true should pass."""

    gate: GateName
    labelled: str
    """The file's name."""
    sha256: str
    """Of the file."""
    threshold: float | None
    """A score of at least this passed; None when no row was judged."""
    rows: int
    judged: int
    errors: int
    good_passed: int
    good_rejected: int
    bad_passed: int
    bad_rejected: int
    agreement: Rate
    """Judged as labelled, of all that were judged."""
    passing: ClassFigures
    """The good ones: those that pass should be good."""
    rejecting: ClassFigures
    """The bad ones: those that are rejected should be bad."""
    auroc: float | None
    """Of the scores; None where the gate gives none between right and wrong, or one class is missing."""
    seconds: float
    """Wall clock, models loaded."""
    disagreements: tuple[Disagreement, ...]
    not_judged: tuple[NotJudged, ...]
    auroc_interval: tuple[float, float] | None = None
    """95%, by Newcombe 2006, method 5."""
    repeated: int = 0
    """Rows of the file that only repeat others: among `rows`, and in no other number. rows = judged + errors +
    repeated."""
