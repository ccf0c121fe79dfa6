"""Which gates reject the same attempts, as the report and the metrics tell it."""

from collections import Counter

from msgspec import Struct

from schemas.measures import Total
from schemas.verdicts import FAITHFULNESS, REWARD, GateName


class RejectedTogether(Struct, frozen=True):
    """Attempts that all of the gates `scored` gave a score, and exactly the gates `rejected` rejected; none: passed."""

    scored: tuple[GateName, ...]
    rejected: tuple[GateName, ...]
    attempts: Total


class GateOverlap(Struct, frozen=True, omit_defaults=True):
    """Rejections of the usual two gates over the attempts that both scored, and of whatever gates a run has."""

    scored: Total
    both: Total
    only_faithfulness: Total
    only_reward: Total
    sets: tuple[RejectedTogether, ...] = ()
    """Attempts that other gates scored, or other gates as well; empty where a run has but the usual two."""

    @property
    def neither(self) -> int:
        """Of the attempts that the usual two scored."""
        return self.scored - self.both - self.only_faithfulness - self.only_reward

    @property
    def jaccard(self) -> float:
        """Of the usual two: rejected by both / rejected by either; 0 when neither rejected anything."""
        either = self.scored - self.neither
        return self.both / either if either else 0.0

    @property
    def compared(self) -> tuple[RejectedTogether, ...]:
        """Every set of gates, the usual two alone included: they are what `scored` and the others say beside the
        sets."""
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
        """Attempts by exactly which gates rejected them, most first; of attempts that two or more gates scored."""
        counted: Counter[tuple[GateName, ...]] = Counter()
        for row in self.compared:
            if row.rejected:
                counted[row.rejected] += row.attempts
        return dict(counted.most_common())


NO_OVERLAP = GateOverlap(scored=0, both=0, only_faithfulness=0, only_reward=0)
