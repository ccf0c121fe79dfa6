"""How long a server's calls take, by their length and by how many are under way. Pure."""

import math

from msgspec import Struct

REMEMBERED = 2000
"""Answers after which an earlier one counts a third."""
RECENT = 200
KNOWN = 64
"""After so many answers a line through them says more than their mean."""
USUAL_SPREAD, LEAST_SPREAD = 0.7, 0.6
"""Standard deviation of a call's time, as a part of its mean: completions are lognormal with σ about 0.6."""
SURPRISE = 3.0
"""More standard errors than this are no noise."""


def noise(answers: float, others: float) -> float:
    """Standard error of the ratio of two mean times, each of so many answers, for a spread of 1."""
    return math.sqrt(1 / answers + 1 / others)


class Lengths:
    """What a call of so many tokens counts: as much as it takes longer than the usual call. So a stream of longer
    completions is no slower server."""

    def __init__(self) -> None:
        self._calls = self._tokens = self._seconds = self._squares = self._products = 0.0
        self._mean_s = self._square_s = 0.0
        self._usual = 0.0

    def add(self, tokens: int, seconds: float) -> float:
        """One answered call; gives what it counts."""
        keep = 1 - 1 / REMEMBERED
        self._calls = self._calls * keep + 1
        self._tokens = self._tokens * keep + tokens
        self._seconds = self._seconds * keep + seconds
        self._squares = self._squares * keep + tokens * tokens
        self._products = self._products * keep + tokens * seconds
        part = 1 / min(self._calls, RECENT)
        self._mean_s += (seconds - self._mean_s) * part
        self._square_s += (seconds * seconds - self._square_s) * part
        if self._calls < KNOWN:
            return 1.0
        self._usual = self._usual or self._tokens / self._calls
        free_s, token_s = self._line()
        usual_s = free_s + token_s * self._usual
        return (free_s + token_s * tokens) / usual_s if usual_s > 0 else 1.0

    @property
    def spread(self) -> float:
        """Standard deviation of the calls' times, as a part of their mean."""
        if self._calls < KNOWN:
            return 1.0
        return max(LEAST_SPREAD, math.sqrt(max(0.0, self._square_s - self._mean_s**2)) / self._mean_s)

    def _line(self) -> tuple[float, float]:
        """Seconds of a call without tokens, and of each token, by least squares; neither is negative."""
        tokens, seconds = self._tokens / self._calls, self._seconds / self._calls
        spread = self._squares - self._tokens * tokens
        token_s = (self._products - self._tokens * seconds) / spread if spread > 1e-6 * self._squares else 0.0
        token_s = max(0.0, min(token_s, seconds / tokens)) if tokens else 0.0
        return seconds - token_s * tokens, token_s


class Point(Struct, frozen=True):
    """What was seen at one limit: calls under way, on average, and seconds of the usual call."""

    calls: float
    call_s: float
    answers: int
    limit: float

    @property
    def per_s(self) -> float:
        return self.calls / self.call_s

    def power(self, before: "Point") -> float:
        """The power of the calls under way by which throughput has changed since `before`: 1 while nobody waits, 0 when
        every slot was taken. They must differ in the calls."""
        return math.log(self.per_s / before.per_s) / math.log(self.calls / before.calls)


class FreeTime(Struct, frozen=True):
    """Seconds of the usual call while nobody waits, from so many answers."""

    call_s: float
    answers: float

    def merged(self, seen: Point, spread: float) -> "FreeTime":
        """With one more point at which nobody waited. What differs by more than noise takes its place."""
        if abs(seen.call_s / self.call_s - 1) > SURPRISE * spread * noise(seen.answers, self.answers):
            return FreeTime(seen.call_s, seen.answers)
        weight = seen.answers / (seen.answers + self.answers)
        answers = min(float(REMEMBERED), self.answers + seen.answers)
        return FreeTime(self.call_s + weight * (seen.call_s - self.call_s), answers)
