"""What `gleaner calibrate` proposes. Law: every figure says what it rests on; nothing unsure is proposed."""

from msgspec import Struct

from schemas.gate_audit import Rate
from schemas.verdicts import GateName


class BadShare(Struct, frozen=True):
    """How much of what reaches the gate at first attempts is bad. `high` is what precision was reckoned with."""

    value: float
    high: float
    given: bool
    """By the user; otherwise estimated from how much of it the gate rejects and how well it judges probes."""
    stream: Rate
    """First attempts that the gate rejected, of those it judged."""


class AtThreshold(Struct, frozen=True):
    """What passes when a score of at least `threshold` does."""

    threshold: float
    precision: float
    """Estimated: of what passes, good, at the stream's bad share."""
    low: float
    """At least so much, with the confidence asked for; over the choice among all thresholds too."""
    good_passed: Rate
    bad_rejected: Rate


class Calibration(Struct, frozen=True):
    """A threshold for a gate, from the scores that it gave probes."""

    gate: GateName
    version: str
    wanted: float
    confidence: float
    good: int
    """Different good probes with a score."""
    bad: int
    bad_share: BadShare
    now: AtThreshold
    proposed: AtThreshold
