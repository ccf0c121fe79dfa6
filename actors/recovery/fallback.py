"""Recovery without a pool that is away. Law: an order never waits for the pool that it would escalate to."""

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from actors.protocols import RecoveryPolicy
from schemas.orders import Lease
from schemas.recovery import Choice, Diagnosis, Experience
from schemas.samples import Candidate
from schemas.verdicts import Verdict


class Fallback(Struct, frozen=True):
    """A `RecoveryPolicy` made of two: `unescalated` decides when `recovery` names a pool that `is_away`."""

    recovery: RecoveryPolicy
    unescalated: RecoveryPolicy
    is_away: Callable[[str], bool]

    def decide(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]:
        """The decision of `recovery`; if it names a pool that is away, the decision of `unescalated`."""
        diagnosis, choice = self.recovery.decide(lease, candidate, verdicts)
        pool = None if choice.repair is None else choice.repair.pool
        if pool is None or not self.is_away(pool):
            return diagnosis, choice
        diagnosis, choice = self.unescalated.decide(lease, candidate, verdicts)
        return diagnosis, replace(choice, reason=f"{choice.reason}; not escalated: {pool} is away")

    def learn(self, experience: Experience) -> None:
        """Gives the experience to both policies."""
        self.recovery.learn(experience)
        self.unescalated.learn(experience)
