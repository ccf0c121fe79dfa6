"""Proposes a gate's threshold from probes' scores, so that what passes is as precise as requested.

Law: with the given confidence the proposed threshold's true precision is at least the requested one. The confidence
covers the choice among all thresholds of GRID. It holds if the stream's good and bad samples have the same scores as
the probes. With too few probes nothing is proposed.

The precision of what passes is (1-p)a / ((1-p)a + pb). Here a and b are the shares of good and of bad samples that
pass, and p is the stream's share of bad samples. Probes measure a and b, whatever their own mix. Bounds on a and b are
Chernoff's (Hoeffding 1963, theorem 1), shared out by Bonferroni over a grid that is fixed before the data is seen (as
in Learn then Test, Angelopoulos et al. 2021). p is given, or bounded by the share of first attempts that the gate
rejects (Rogan and Gladen 1978).
"""

import math
from collections.abc import Sequence

from msgspec import Struct

from actors.counts.rates import rate
from schemas.calibration import AtThreshold, BadShare, Calibration
from schemas.errors import UserError
from schemas.flaws import Worth
from schemas.gate_audit import Rate
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, ProbeEnded, ProbeRejoined, Record, Rejoined
from schemas.orders import Attempt
from schemas.probes import ProbeFacts
from schemas.verdicts import Errored, GateName, Rejected, cascade_of

CONFIDENCE = 0.95
GRID = (0.01, 0.02, *(step / 20 for step in range(1, 20)), 0.97, 0.98, 0.99, 0.995, 0.999)
"""The thresholds that are considered."""
_HALVINGS = 60


class ThresholdRequest(Struct, frozen=True):
    """The request. `precision` in (0, 1); `bad_share` in (0, 1), or None to estimate it."""

    precision: float
    bad_share: float | None = None
    confidence: float = CONFIDENCE


class Scores:
    """A fold over the ledger: the scores that the gate's present version gave to probes, and the share of the stream
    that it rejects.

    A row of a labelled file counts once, even if it was sent often: the gate repeats its score.
    """

    def __init__(self, gate: GateName) -> None:
        self.gate = gate
        self._begin("")

    def _begin(self, version: str) -> None:
        self.version = version
        self.threshold, self.is_cascade = 0.5, False
        self.good: list[float] = []
        self.bad: list[float] = []
        self.judged = 0
        self.rejected = 0
        self._origins: set[str] = set()

    def apply(self, record: Record) -> None:
        """Reads one record."""
        if isinstance(record, ProbeRejoined | ProbeEnded) and record.attempt is not None:
            if record.attempt.number == 1:
                self._probed(record.attempt, record.facts)
        elif isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd) and record.attempt is not None:
            attempt = record.attempt
            if attempt.number > 1:
                return
            for said in attempt.verdicts:
                if said.gate == self.gate and not isinstance(said, Errored):
                    self.judged += 1
                    self.rejected += isinstance(said, Rejected)

    def _probed(self, attempt: Attempt, facts: ProbeFacts) -> None:
        version = facts.judges.get(self.gate)
        if version is None:
            return
        if version != self.version:
            known = (self.judged, self.rejected) if not self.version else (0, 0)
            self._begin(version)
            self.judged, self.rejected = known
        for said in attempt.verdicts:
            if said.gate != self.gate or isinstance(said, Errored) or facts.origin in self._origins:
                continue
            self.threshold, self.is_cascade = said.threshold, cascade_of(said) is not None
            if facts.concerns(self.gate):
                self._origins.add(facts.origin)
                (self.good if facts.label is Worth.GOOD else self.bad).append(said.score)


def propose(scores: Scores, wanted: ThresholdRequest) -> Calibration:
    """The lowest threshold that fits the request. Raises UserError when probes are too few, no threshold fits,
    or the gate is a cascade."""
    name = scores.gate
    if scores.is_cascade:
        raise UserError(f"{name} is a cascade, whose scores are those of two gates; its band is found while it runs")
    if not scores.good or not scores.bad:
        missing = "good" if not scores.good else "bad"
        raise UserError(f"no {missing} probe has met the {name} gate; a run with probes.rate above 0 sends them")
    alpha = 1 - wanted.confidence
    share = _bad_share(scores, wanted, alpha / 2)
    each = _Reckoning(scores, share, (alpha if share.given else alpha / 2) / (2 * len(GRID)))
    sure = [found for found in map(each.at, GRID) if found.low >= wanted.precision]
    if not sure:
        raise UserError(_why_none(each, scores, wanted))
    return Calibration(
        gate=scores.gate,
        version=scores.version,
        wanted=wanted.precision,
        confidence=wanted.confidence,
        good=len(scores.good),
        bad=len(scores.bad),
        bad_share=share,
        now=each.at(scores.threshold),
        proposed=sure[0],
    )


class _Reckoning(Struct, frozen=True):
    """Precision at a threshold. `alpha`: the chance that one bound fails."""

    scores: Scores
    share: BadShare
    alpha: float

    def at(self, threshold: float) -> AtThreshold:
        good = _passing(self.scores.good, threshold)
        bad = _passing(self.scores.bad, threshold)
        low = lower_bound(good.successes, good.trials, self.alpha)
        high = upper_bound(bad.successes, bad.trials, self.alpha)
        return AtThreshold(
            threshold=threshold,
            precision=precision(self.share.value, good.value or 0.0, bad.value or 0.0),
            low=precision(self.share.high, low, high),
            good_passed=good,
            bad_rejected=rate(bad.trials - bad.successes, bad.trials),
        )

    def flawless(self) -> float:
        """The precision that could be shown if the gate judged every probe right."""
        good, bad = len(self.scores.good), len(self.scores.bad)
        return precision(self.share.high, lower_bound(good, good, self.alpha), upper_bound(0, bad, self.alpha))


def precision(bad_share: float, good_passing: float, bad_passing: float) -> float:
    """The share of good samples in what passes; 0 when nothing passes."""
    good, bad = (1 - bad_share) * good_passing, bad_share * bad_passing
    return good / (good + bad) if good + bad else 0.0


def lower_bound(successes: int, trials: int, alpha: float) -> float:
    """The rate is above this, except with chance `alpha`: n kl(observed, bound) = ln(1/alpha)."""
    return 1 - upper_bound(trials - successes, trials, alpha)


def upper_bound(successes: int, trials: int, alpha: float) -> float:
    """The rate is below this, except with chance `alpha`. 1 without trials."""
    if not trials:
        return 1.0
    observed, most = successes / trials, -math.log(alpha) / trials
    low, high = observed, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _divergence(observed, middle) <= most else (low, middle)
    return high


def _divergence(observed: float, true: float) -> float:
    """The Kullback-Leibler divergence of two coins, in nats."""
    parts = ((observed, true), (1 - observed, 1 - true))
    return sum(p * math.log(p / q) if q else math.inf for p, q in parts if p)


def _passing(scores: Sequence[float], threshold: float) -> Rate:
    return rate(sum(score >= threshold for score in scores), len(scores))


def _bad_share(scores: Scores, wanted: ThresholdRequest, alpha: float) -> BadShare:
    """The share of bad samples p, given or estimated: of the stream the gate rejects p × recall + (1-p) × false
    alarms."""
    stream = rate(scores.rejected, scores.judged)
    if wanted.bad_share is not None:
        return BadShare(wanted.bad_share, wanted.bad_share, given=True, stream=stream)
    recall, false_alarms = (_rejecting(each, scores.threshold) for each in (scores.bad, scores.good))
    each = alpha / 3
    most = upper_bound(stream.successes, stream.trials, each)
    recall_low = lower_bound(recall.successes, recall.trials, each)
    false_low = lower_bound(false_alarms.successes, false_alarms.trials, each)
    high = (most - false_low) / (recall_low - false_low) if recall_low > most else 1.0
    if high >= 1:
        raise UserError(
            f"the share of bad samples cannot be estimated from {recall.trials} bad and {false_alarms.trials} good "
            f"probes at the {scores.gate} gate; wait for more, or give --bad-share"
        )
    recalled, alarmed = recall.value or 0.0, false_alarms.value or 0.0
    value = ((stream.value or 0.0) - alarmed) / (recalled - alarmed) if recalled > alarmed else high
    return BadShare(min(max(value, 0.0), high), high, given=False, stream=stream)


def _rejecting(scores: Sequence[float], threshold: float) -> Rate:
    return rate(sum(score < threshold for score in scores), len(scores))


def _why_none(each: _Reckoning, scores: Scores, wanted: ThresholdRequest) -> str:
    counted = f"{len(scores.good)} good and {len(scores.bad)} bad probes"
    best = max((each.at(threshold) for threshold in GRID), key=lambda found: found.low)
    flawless = each.flawless()
    if flawless < wanted.precision:
        allowed = (1 - each.share.high) * (1 - wanted.precision) / (each.share.high * wanted.precision)
        needed = math.ceil(-math.log(each.alpha) / -math.log1p(-min(allowed, 0.999999)))
        return (
            f"too few probes: {counted} could show a precision of {flawless:.3f} at most, even without a mistake; "
            f"{wanted.precision:g} takes about {max(needed, len(scores.bad) + 1)} bad ones and as many good ones"
        )
    return (
        f"no threshold is sure to give a precision of {wanted.precision:g}: the best, {best.threshold:g}, "
        f"is estimated at {best.precision:.3f} and is at least {best.low:.3f} by {counted}"
    )
