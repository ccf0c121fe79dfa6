"""How much of a judge's work a cascade's cheap gate takes over, by how well it tells good from bad and by how many
probes have calibrated its band: scores that are drawn, the product's own calibration, no model.

    python -m benchmarks.bands

The log-odds that the cheap gate gives to good and to bad drafts are normal, so many standard deviations apart. Each
line is the mean of 40 calibrations, with the largest share of bad drafts that any of them passed.
"""

import math
from random import Random
from statistics import NormalDist, fmean

from msgspec import Struct

from actors.probes.bands import band
from schemas.bands import Band
from schemas.config_cascade import Cascade

APART = (1.5, 2.5, 4.0)
ALLOWED = (0.02, 0.05, 0.1)
PROBES = (100, 400, 1600)
BAD = 0.15
"""The share of bad drafts in the stream."""
CALIBRATIONS = 40


class Decided(Struct, frozen=True):
    """What the cheap gate decides alone, as shares: of good drafts and of bad ones."""

    good_passed: float
    good_rejected: float
    bad_passed: float
    bad_rejected: float

    @property
    def judged(self) -> float:
        """The share of the stream that the judge is asked about."""
        good, bad = self.good_passed + self.good_rejected, self.bad_passed + self.bad_rejected
        return 1 - (1 - BAD) * good - BAD * bad


def decided(of: Band | None, apart: float) -> Decided:
    """Exactly, from the distributions."""
    if of is None:
        return Decided(0.0, 0.0, 0.0, 0.0)
    good, bad = NormalDist(apart / 2), NormalDist(-apart / 2)
    shares = [
        share
        for scores in (good, bad)
        for share in (
            0.0 if of.high is None else 1 - scores.cdf(_odds(of.high)),
            0.0 if of.low is None else scores.cdf(_odds(of.low)),
        )
    ]
    return Decided(*shares)


def calibrated(apart: float, probes: int, allowed: float, random: Random) -> Band | None:
    """The band from so many probes of each label."""
    config = Cascade("cheap", "judge", bad_passed=allowed, good_rejected=allowed)
    good, bad = ([_score(random.gauss(centre, 1)) for _ in range(probes)] for centre in (apart / 2, -apart / 2))
    return band(good, bad, config)


def _score(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _odds(score: float) -> float:
    return math.log(score / (1 - score))


def main() -> None:
    print("| AUROC | allowed | probes of each label | good: passed, rejected | bad: passed, rejected | most | judged |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    random = Random(0)
    for apart in APART:
        area = NormalDist().cdf(apart / math.sqrt(2))
        for allowed in ALLOWED:
            for probes in PROBES:
                each = [decided(calibrated(apart, probes, allowed, random), apart) for _ in range(CALIBRATIONS)]
                good = f"{fmean(one.good_passed for one in each):.0%}, {fmean(one.good_rejected for one in each):.1%}"
                bad = f"{fmean(one.bad_passed for one in each):.1%}, {fmean(one.bad_rejected for one in each):.0%}"
                most, judged = max(one.bad_passed for one in each), fmean(one.judged for one in each)
                print(f"| {area:.3f} | {allowed:g} | {probes:,} | {good} | {bad} | {most:.1%} | {judged:.0%} |")


if __name__ == "__main__":
    main()
