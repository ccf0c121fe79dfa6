"""Which gates reject the same attempts, for the report and the metrics."""

from collections import Counter

from msgspec import Struct

from schemas.measures import Total
from schemas.verdicts import FAITHFULNESS, REWARD, GateName


class RejectedTogether(Struct, frozen=True):
    """Attempts that all gates in `scored` gave a score and exactly those in `rejected` rejected (none: they passed)."""

    scored: tuple[GateName, ...]
    rejected: tuple[GateName, ...]
    attempts: Total


class GateOverlap(Struct, frozen=True, omit_defaults=True):
    """Rejections by the usual two gates, over attempts that both scored, and by the other gates of a run."""

    scored: Total
    both: Total
    only_faithfulness: Total
    only_reward: Total
    sets: tuple[RejectedTogether, ...] = ()
    """Attempts that other gates scored (too); empty if a run has only the usual two."""

    @property
    def neither(self) -> int:
        """Attempts that the usual two scored and neither rejected."""
        return self.scored - self.both - self.only_faithfulness - self.only_reward

    @property
    def jaccard(self) -> float:
        """For the usual two: rejected by both / rejected by either; 0 if neither rejected anything."""
        either = self.scored - self.neither
        return self.both / either if either else 0.0

    @property
    def compared(self) -> tuple[RejectedTogether, ...]:
        """Every set of gates, with the usual two alone: these are the counts that are in none of the sets."""
        pair = (FAITHFULNESS, REWARD)
        counted: dict[tuple[GateName, ...], int] = {(): self.neither}
        counted |= {pair: self.both, pair[:1]: self.only_faithfulness, pair[1:]: self.only_reward}
        for row in self.sets:
            if set(pair) <= set(row.scored):
                counted[tuple(gate for gate in pair if gate in row.rejected)] -= row.attempts
        usual = (RejectedTogether(pair, rejected, attempts) for rejected, attempts in counted.items() if attempts)
        return (*usual, *self.sets)

    @property
    def rejected(self) -> dict[tuple[GateName, ...], int]:
        """Rejected attempts by the exact set of gates that rejected them, most first, over all rows of `compared`."""
        counted: Counter[tuple[GateName, ...]] = Counter()
        for row in self.compared:
            if row.rejected:
                counted[row.rejected] += row.attempts
        return dict(counted.most_common())


NO_OVERLAP = GateOverlap(scored=0, both=0, only_faithfulness=0, only_reward=0)
