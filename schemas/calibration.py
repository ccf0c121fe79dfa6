"""The proposal of `gleaner calibrate`. Law: every figure comes with its evidence; no unsure threshold is proposed."""

from msgspec import Struct

from schemas.gate_audit import Rate
from schemas.verdicts import GateName


class BadShare(Struct, frozen=True):
    """The share of bad drafts among first attempts that reach the gate. Precision was computed with `high`."""

    value: float
    high: float
    given: bool
    """The user gave it; otherwise it is estimated from the gate's rejections and from how well it judges probes."""
    stream: Rate
    """First attempts that the gate rejected, among those that it judged."""


class AtThreshold(Struct, frozen=True):
    """How well the gate judges if a score of at least `threshold` passes."""

    threshold: float
    precision: float
    """Estimated share of good drafts among those that pass, at the stream's bad share."""
    low: float
    """Lower bound of the precision at the confidence asked for. It allows for the choice among all thresholds."""
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
