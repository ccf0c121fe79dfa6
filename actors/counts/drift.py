"""Has a rate changed? A sequential test that stays valid if it is checked after every probe, as long as the run lasts.

Law: while all outcomes are draws with one rate, whatever it is, the chance that the test ever raises a flag is at most
ALPHA. The evidence is an e-process by universal inference (Wasserman, Ramdas, Balakrishnan 2020, section 8; for
exchangeable binary data Ramdas et al. 2022): a fixed mixture over moments of change, with the Krichevsky-Trofimov
mixture before and after each, divided by the greatest likelihood of any single rate. The numerator is a probability of
the data, and the denominator is at least that of the true rate. So the quotient is at most a martingale that starts at
1, and Ville's inequality gives the bound. Fewer checks, or fewer moments, only make it smaller.
"""

import math

from msgspec import Struct

ALPHA = 0.01
"""Greatest chance of a false alarm, ever, for one rate of one version of a gate."""
EVERY = 10
"""Outcomes between two checks, and between two possible moments of a change."""
MOST_MOMENTS = 200
"""The most moments at once, to limit time and memory. Beyond, every second one of the older half is dropped."""


class TrialCount(Struct, frozen=True):
    """A possible moment of change: after `trials` outcomes with `successes`. `log_weight`: its weight, set once."""

    trials: int
    successes: int
    log_weight: float


class DriftTest:
    """The test. It gets each outcome in order."""

    def __init__(self) -> None:
        self.trials = 0
        self.successes = 0
        self.log_evidence = 0.0
        """Natural logarithm of the largest e-value so far."""
        self.flagged_at: int | None = None
        """The number of outcomes when it raised its flag; None if it has not."""
        self.change: tuple[int, int] | None = None
        """Trials and successes before the likeliest change, as it was when the evidence was largest."""
        self._moments: list[TrialCount] = []
        self._considered = 0

    @property
    def flagged(self) -> bool:
        return self.flagged_at is not None

    def add(self, success: bool) -> None:
        """Counts one outcome."""
        self.trials += 1
        self.successes += success
        if self.trials % EVERY == 0:
            self._look()
            self._consider()

    def _look(self) -> None:
        if not self._moments:
            return
        logs = [self._log_changed(moment) for moment in self._moments]
        top = max(logs)
        log_changed = top + math.log(sum(math.exp(value - top) for value in logs))
        log_e = log_changed - _log_likelihood(self.trials, self.successes)
        if log_e > self.log_evidence:
            self.log_evidence = log_e
            likeliest = self._moments[logs.index(top)]
            self.change = (likeliest.trials, likeliest.successes)
        if self.flagged_at is None and log_e >= -math.log(ALPHA):
            self.flagged_at = self.trials

    def _log_changed(self, moment: TrialCount) -> float:
        before = _log_mixture(moment.trials, moment.successes)
        after = _log_mixture(self.trials - moment.trials, self.successes - moment.successes)
        return moment.log_weight + before + after

    def _consider(self) -> None:
        """Adds this moment as a possible change. The weights 1/(k(k+1)) never add up to more than 1."""
        self._considered += 1
        weight = -math.log(self._considered * (self._considered + 1))
        self._moments.append(TrialCount(self.trials, self.successes, weight))
        if len(self._moments) > MOST_MOMENTS:
            half = len(self._moments) // 2
            self._moments = self._moments[:half:2] + self._moments[half:]


def _log_mixture(trials: int, successes: int) -> float:
    """The log-probability of these outcomes in their order, with a rate drawn from Beta(1/2, 1/2)."""
    failures = trials - successes
    top = math.lgamma(successes + 0.5) + math.lgamma(failures + 0.5) - math.lgamma(trials + 1)
    return top - math.log(math.pi)


def _log_likelihood(trials: int, successes: int) -> float:
    """The log-probability of these outcomes in their order, under the rate that makes it greatest."""
    failures = trials - successes
    return sum(count * math.log(count / trials) for count in (successes, failures) if count)
