"""Calibrates the bands of cascades again. Law: every band that a gate used follows from probes that were recorded
before it, by the configuration of that time; and where the cheap gate decided, its score lies outside its band.

The limits are computed here a second time, apart from `actors.probes.bands`, which explains them.
"""

from collections.abc import Sequence
from math import exp, inf, isclose, log, log1p

from msgspec import Struct

from actors.audit.configured import Configured
from actors.audit.findings import Findings
from schemas.audit import Check
from schemas.bands import Band
from schemas.flaws import Worth
from schemas.ids import OrderId
from schemas.ledger import ProbeEnded, ProbeRejoined
from schemas.orders import Attempt
from schemas.verdicts import Cascaded, Errored, GateName, Passed, Rejected, cascade_of

_RISK = 0.05
_LOOKS = tuple(50 * 2**look for look in range(8))


class _CheapScores(Struct):
    """The scores that one version of a cheap gate gave to probes, each origin once."""

    good: list[float] = []
    bad: list[float] = []
    origins: set[str] = set()

    def holds(self, band: Band) -> bool:
        """Whether there were enough probes for the band."""
        return len(self.good) >= band.good and len(self.bad) >= band.bad


class UsedBands(Struct):
    """`measured`: by cascade and by the version of its cheap gate. `used`: each band since the last change of
    configuration, with the first order that it was used for."""

    measured: dict[tuple[GateName, str], _CheapScores] = {}
    used: dict[tuple[GateName, Band], OrderId] = {}

    def measure(self, record: ProbeRejoined | ProbeEnded) -> None:
        """Takes in the first attempt of a probe."""
        attempt, facts = record.attempt, record.facts
        if attempt is None or attempt.number > 1:
            return
        for said in attempt.verdicts:
            cascade = cascade_of(said)
            if cascade is None or cascade.steps[0].score is None or not facts.concerns(said.gate):
                continue
            version = facts.judges.get(cascade.steps[0].gate, "")
            of = self.measured.setdefault((said.gate, version), _CheapScores())
            if facts.origin not in of.origins:
                of.origins.add(facts.origin)
                (of.good if facts.label is Worth.GOOD else of.bad).append(cascade.steps[0].score)

    def use(self, order_id: OrderId, attempt: Attempt, findings: Findings) -> None:
        """Takes in the verdicts on an attempt."""
        for said in attempt.verdicts:
            cascade = cascade_of(said)
            if cascade is None or isinstance(said, Errored):
                continue
            if (what := _misjudged(said, cascade)) is not None:
                findings.error(Check.CONSERVATION, f"{said.gate}: {what}", f"order {order_id}", order_id)
            band = cascade.band
            if band is None or (said.gate, band) in self.used:
                continue
            self.used[(said.gate, band)] = order_id
            if not any(of.holds(band) for (gate, _), of in self.measured.items() if gate == said.gate):
                what = f"used the band {band} of {said.gate} before as many probes were recorded"
                findings.error(Check.CONSERVATION, what, f"order {order_id}", order_id)

    def close(self, asked: Configured | None, findings: Findings) -> None:
        """Compares all bands with those that the probes give. None: the configuration is not known."""
        used, self.used = self.used, {}
        for (gate, band), order_id in used.items() if asked is not None else ():
            cascade = asked.cascades.get(gate) if asked is not None else None
            if cascade is None:
                what = f"{gate} used a band, and is no cascade in the configuration"
                findings.error(Check.CONSERVATION, what, f"order {order_id}", order_id)
                continue
            each = (of for (name, _), of in self.measured.items() if name == gate and of.holds(band))
            if not any(_follows(band, of, cascade.good_rejected, cascade.bad_passed) for of in each):
                what = f"used the band {band} of {gate}, which does not follow from the probes"
                findings.error(Check.CONSERVATION, what, f"order {order_id}", order_id)


def _misjudged(said: Passed | Rejected, cascade: Cascaded) -> str | None:
    """What is wrong about who decided, if anything."""
    cheap, *others = cascade.steps
    if others:
        return None
    band, score = cascade.band, cheap.score
    if band is None or score is None or score != said.score:
        return f"{cascade.decided_by} decided alone, and had no band"
    outside = score > _or(band.high, inf) if isinstance(said, Passed) else score < _or(band.low, -inf)
    return None if outside else f"{cascade.decided_by} decided alone, with {score:g} inside the band {band}"


def _or(edge: float | None, otherwise: float) -> float:
    return otherwise if edge is None else edge


def _follows(band: Band, of: _CheapScores, good_rejected: float | None, bad_passed: float | None) -> bool:
    if good_rejected is None or bad_passed is None:
        return True  # a configuration that does not say it
    low = _limit([-score for score in of.good[: band.good]], good_rejected) if band.good else None
    high = _limit(of.bad[: band.bad], bad_passed) if band.bad else None
    edges = [edge for edge in (None if low is None else -low, high) if edge is not None]
    wanted = (None if low is None else min(edges), None if high is None else max(edges))
    return all(
        (found is None) == (edge is None) and (found is None or edge is None or isclose(found, edge, abs_tol=1e-9))
        for found, edge in zip((band.low, band.high), wanted, strict=True)
    )


def _limit(scores: Sequence[float], share: float) -> float | None:
    """The score that at most this share of all such scores exceed; None if so many probes do not show one."""
    count = len(scores)
    if count not in _LOOKS or not 0 < share < 1:
        return None
    look = _LOOKS.index(count) + 1
    term, below = count * log1p(-share), 0.0
    for k in range(count):
        below += exp(term)
        if below > _RISK / (look * (look + 1)):
            return sorted(scores)[count - k] if k else None
        term += log((count - k) / (k + 1)) + log(share) - log1p(-share)
    return None
