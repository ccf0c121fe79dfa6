"""What the study of gates on real text found, as it is written to `results.json`."""

from typing import Literal

from msgspec import Struct

from studies.provenance.bootstrap import Estimate
from studies.real_text.measures import Measured

Verdict = Literal["supported", "refuted", "not shown"]


class Figure(Struct, frozen=True):
    """One arm on one set."""

    set: str
    form: str
    shown: str
    tokens: float
    """Of an answered row, on average, prompt and completion."""
    measured: Measured


class Claim(Struct, frozen=True):
    """One comparison of the plan, its interval, and what the plan's rule makes of it."""

    number: int
    set: str
    what: str
    estimate: Estimate
    verdict: Verdict


class Results(Struct, frozen=True):
    """What was measured, and the sets that were not there."""

    seed: int
    smoke: bool
    figures: tuple[Figure, ...]
    claims: tuple[Claim, ...]
    missing: tuple[str, ...]
    demo_threshold: float | None = None
    """Of `likelihood`, as the demo has it: Youden's, on all rows of BEGIN, whose source is shown."""
