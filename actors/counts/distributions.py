"""Counts values in buckets as attempts end. Law: cheap (a bisection and two additions for each value), and complete."""

from bisect import bisect_left
from collections.abc import Hashable
from typing import TypeVar

from actors.counts.entries import Entry
from schemas.distributions import SCORES, SECONDS, AttemptEnd, Distribution, Distributions, QueueTurn
from schemas.ledger import Rejoined
from schemas.orders import calls_of
from schemas.vectors import EMBEDDER
from schemas.verdicts import Errored, GateName, charged

K = TypeVar("K", bound=Hashable)


class Buckets:
    """One distribution that grows."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """Counts one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def distribution(self) -> Distribution:
        """All values so far."""
        return Distribution(tuple(self._counts), self._total)


class AttemptDistributions:
    """Durations of calls, attempts, waits and whole orders, and the scores of gates."""

    def __init__(self, seconds: tuple[float, ...] = SECONDS) -> None:
        """`seconds`: the upper bounds of the buckets of durations."""
        self._seconds = seconds
        self._calls: dict[str, Buckets] = {}
        self._attempts = {end: Buckets(seconds) for end in AttemptEnd}
        self._queued = {turn: Buckets(seconds) for turn in QueueTurn}
        self._orders = {end: Buckets(seconds) for end in AttemptEnd}
        self._scores: dict[GateName, Buckets] = {}

    def apply(self, entry: Entry) -> None:
        """Counts one attempt and, if its order ended with it, the order's time since its plan."""
        attempt, end, order = entry.attempt, entry.end, entry.order
        if attempt is None or end is None or order is None:
            return
        turn = QueueTurn.FRESH if attempt.number == 1 else QueueTurn.REPAIR
        self._queued[turn].add(max(0.0, attempt.started_at - order.ready_at))
        self._attempts[end].add(attempt.seconds)
        for call in calls_of(attempt):
            self._called(call.pool, call.cost.seconds)
        for verdict in attempt.verdicts:
            for gate, cost in charged(verdict):
                self._called(gate, cost.seconds)
            if not isinstance(verdict, Errored):
                self._scored(verdict.gate, verdict.score)
        if attempt.embedded is not None:
            self._called(EMBEDDER, attempt.embedded.cost.seconds)
        if not isinstance(entry.record, Rejoined):
            self._orders[end].add(max(0.0, entry.record.at - order.planned_at))

    def distributions(self) -> Distributions:
        """Everything counted so far."""
        return Distributions(
            calls=_frozen(self._calls),
            attempts=_frozen(self._attempts),
            queued=_frozen(self._queued),
            orders=_frozen(self._orders),
            scores=_frozen(self._scores),
        )

    def _called(self, role: str, seconds: float) -> None:
        calls = self._calls.get(role)
        if calls is None:
            calls = self._calls[role] = Buckets(self._seconds)
        calls.add(seconds)

    def _scored(self, gate: GateName, score: float) -> None:
        scores = self._scores.get(gate)
        if scores is None:
            scores = self._scores[gate] = Buckets(SCORES)
        scores.add(score)


def _frozen(counted: dict[K, Buckets]) -> dict[K, Distribution]:
    return {key: buckets.distribution() for key, buckets in counted.items()}
