"""Calibrates the bands of cascades from the cheap gate's scores of probes.

Law: with 95% confidence the cheap gate alone passes at most `bad_passed` of bad drafts like the probes, and rejects at
most `good_rejected` of good ones; each of the two claims holds at every moment of a run. Too few probes give no band.
The same records give the same bands, after a crash and in `gleaner verify`, which computes them by code of its own.

An edge is a tolerance limit (Wilks 1941): of n scores the k-th largest is exceeded by more than a share s of all such
scores with a chance of P(Binomial(n, s) < k), whatever their distribution. k is the largest with a chance of at most
alpha. A run looks at the first 50, 100, 200, … probes of a label; look j may fail with a chance of 0.05 / (j (j + 1)),
which is 0.05 for all looks together, so that looking again costs nothing of the confidence.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from schemas.bands import Band
from schemas.config_cascade import Cascade
from schemas.flaws import Worth
from schemas.ledger import ProbeEnded, ProbeRejoined, Record
from schemas.probes import ProbeFacts
from schemas.verdicts import GateName, cascade_of

ALPHA = 0.05
"""The chance that an edge ever claims too much."""
FIRST_LOOK = 50
"""Probes of a label at the first look; each later look is at twice as many."""
LAST_LOOK = FIRST_LOOK * 2**7
"""After so many probes of a label its edge stands, so that memory is bounded."""


class CalibratedGate(Struct, frozen=True):
    """A cascade and the version of its cheap gate, whose scores alone count."""

    config: Cascade
    version: str


class _ProbedScores:
    """The cheap gate's scores of probes, in the order of the ledger. A row of a labelled file counts once."""

    def __init__(self) -> None:
        self.good: list[float] = []
        self.bad: list[float] = []
        self._origins: set[str] = set()

    def add(self, label: Worth, score: float, origin: str) -> bool:
        """Whether it is time to look again."""
        scores = self.good if label is Worth.GOOD else self.bad
        if len(scores) >= LAST_LOOK or origin in self._origins:
            return False
        self._origins.add(origin)
        scores.append(score)
        return len(scores) == looked_at(len(scores))


class BandFold:
    """The fold over a queue's records. `cascades`: those of the run, by name."""

    def __init__(self, cascades: Mapping[GateName, CalibratedGate]) -> None:
        self._cascades = cascades
        self._scores = {name: _ProbedScores() for name in cascades}
        self._bands: dict[GateName, Band] = {}

    def apply(self, record: Record) -> None:
        """Counts the first attempt of a probe."""
        if not isinstance(record, ProbeRejoined | ProbeEnded) or record.attempt is None or record.attempt.number > 1:
            return
        facts = record.facts
        for said in record.attempt.verdicts:
            of, cascade = self._cascades.get(said.gate), cascade_of(said)
            if of is None or cascade is None or not facts.concerns(said.gate):
                continue
            cheap = cascade.steps[0]
            if cheap.score is not None and facts.judges.get(cheap.gate) == of.version:
                self._add(said.gate, cheap.score, facts)

    def bands(self) -> Mapping[GateName, Band]:
        """The bands of the cascades that probes have calibrated."""
        return self._bands

    def _add(self, name: GateName, score: float, facts: ProbeFacts) -> None:
        scores = self._scores[name]
        if scores.add(facts.label, score, facts.origin):
            found = band(scores.good, scores.bad, self._cascades[name].config)
            if found is not None:
                self._bands[name] = found


def band(good: Sequence[float], bad: Sequence[float], config: Cascade) -> Band | None:
    """The band from the scores of good and of bad probes, each in the order in which they came; None if there are too
    few of both."""
    highest = edge(bad, config.bad_passed)
    lowest = edge([-score for score in good], config.good_rejected)
    if highest is None and lowest is None:
        return None
    edges = [each for each in (highest, None if lowest is None else -lowest) if each is not None]
    return Band(
        low=None if lowest is None else min(edges),
        high=None if highest is None else max(edges),
        good=0 if lowest is None else looked_at(len(good)),
        bad=0 if highest is None else looked_at(len(bad)),
    )


def edge(scores: Sequence[float], share: float) -> float | None:
    """A score that at most `share` of all scores like these exceed; None if these are too few to be sure."""
    count = looked_at(len(scores))
    if not count or not share:
        return None
    look = (count // FIRST_LOOK).bit_length()
    most = allowed(count, share, ALPHA / (look * (look + 1)))
    return sorted(scores[:count], reverse=True)[most - 1] if most else None


def looked_at(probes: int) -> int:
    """How many of so many probes the last look was at; 0 before the first look."""
    return 0 if probes < FIRST_LOOK else min(LAST_LOOK, FIRST_LOOK << (probes // FIRST_LOOK).bit_length() - 1)


@lru_cache(maxsize=64)
def allowed(count: int, share: float, alpha: float) -> int:
    """The largest k with P(Binomial(count, share) < k) <= alpha; 0 if there is none."""
    below = 0.0
    for k in range(count + 1):
        log_choose = math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        below += math.exp(log_choose + k * math.log(share) + (count - k) * math.log1p(-share))
        if below > alpha:
            return k
    return count
