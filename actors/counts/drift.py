"""Has a rate changed? A sequential test that may be looked at after every probe, for as long as the run goes on.

Law: while outcomes are draws of one and the same rate, whatever it is, the chance that the test ever speaks is at most
ALPHA. The evidence is an e-process by universal inference (Wasserman, Ramdas, Balakrishnan 2020, section 8; for
exchangeable binary data Ramdas et al. 2022): a fixed mixture over moments of change, with the Krichevsky-Trofimov
mixture before and after each, over the greatest likelihood of any single rate. The first is a probability of the data,
the second at least the true one's; so the quotient is at most a martingale that starts at 1, and Ville's inequality
gives the bound. Looking more rarely, or leaving moments out, only makes it smaller.
"""

import math

from msgspec import Struct

ALPHA = 0.01
"""Chance of ever raising a false alarm, for one rate of one version of a gate."""
EVERY = 10
"""Outcomes between two looks, and between two moments of change that are considered."""
MOST_MOMENTS = 200
"""Considered at once; beyond, every other one of the older half is left out. Bounds time and memory."""


class TrialCount(Struct, frozen=True):
    """After `trials` outcomes, `successes` of them. `log_weight`: of a change here, set once."""

    trials: int
    successes: int
    log_weight: float


class DriftTest:
    """Fed each outcome in order."""

    def __init__(self) -> None:
        self.trials = 0
        self.successes = 0
        self.log_evidence = 0.0
        """Natural logarithm of the largest e-value so far."""
        self.flagged_at: int | None = None
        """Outcomes after which it spoke; None while it has not."""
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
        """A change may have come here. The weights 1/(k(k+1)) add up to 1, however many moments there will be."""
        self._considered += 1
        weight = -math.log(self._considered * (self._considered + 1))
        self._moments.append(TrialCount(self.trials, self.successes, weight))
        if len(self._moments) > MOST_MOMENTS:
            half = len(self._moments) // 2
            self._moments = self._moments[:half:2] + self._moments[half:]


def _log_mixture(trials: int, successes: int) -> float:
    """Of these outcomes in their order, their rate drawn from Beta(1/2, 1/2)."""
    failures = trials - successes
    top = math.lgamma(successes + 0.5) + math.lgamma(failures + 0.5) - math.lgamma(trials + 1)
    return top - math.log(math.pi)


def _log_likelihood(trials: int, successes: int) -> float:
    """Of these outcomes in their order, under the rate that makes them likeliest."""
    failures = trials - successes
    return sum(count * math.log(count / trials) for count in (successes, failures) if count)
