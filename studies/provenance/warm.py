"""The learnt policy that begins warm (plan 2): what other runs' repairs came to, before a run's own.

Law: the prior is of the pilot's runs, never of the plan's; a run's own attempts are added to it, and none is counted
twice.
"""

from collections.abc import Iterable, Sequence

from actors.protocols import RecoveryPolicy
from schemas.orders import Lease
from schemas.recovery import Choice, Diagnosis, Experience, FailureMode, RepairCount, RepairKind, RepairTurn
from schemas.samples import Candidate
from schemas.verdicts import Verdict


class Warm:
    """`actors.protocols.RecoveryPolicy`: a policy whose experience begins with a prior."""

    def __init__(self, policy: RecoveryPolicy, prior: Experience) -> None:
        self._policy = policy
        self._prior = prior
        policy.learn(prior)

    def decide(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]:
        """As the policy does, by what it knows so far."""
        return self._policy.decide(lease, candidate, verdicts)

    def learn(self, experience: Experience) -> None:
        """A run's experience, on top of the prior."""
        self._policy.learn(pooled((self._prior, experience)))


def pooled(experiences: Iterable[Experience]) -> Experience:
    """Several runs' experiences as one: the sums of each cell."""
    cells: dict[tuple[FailureMode, RepairKind, RepairTurn], list[RepairCount]] = {}
    known = list(experiences)
    for one in known:
        for count in one.repairs:
            cells.setdefault((count.mode, count.repair, count.turn), []).append(count)
    return Experience(
        attempts=sum(one.attempts for one in known),
        repairs=tuple(
            RepairCount(*key, *(sum(getattr(one, what) for one in found) for what in ("tried", "accepted", "tokens")))
            for key, found in sorted(cells.items(), key=lambda cell: (cell[0][0], cell[0][1], cell[0][2].value))
        ),
        fresh_tried=sum(one.fresh_tried for one in known),
        fresh_accepted=sum(one.fresh_accepted for one in known),
        fresh_tokens=sum(one.fresh_tokens for one in known),
    )


def weighed(experience: Experience, most: int) -> Experience:
    """The experience scaled down to at most so many tries of repairs, so that a run's own soon weigh as much."""
    tried = sum(one.tried for one in experience.repairs)
    share = min(1.0, most / tried) if tried else 1.0

    def cut(value: int) -> int:
        return round(share * value)

    return Experience(
        attempts=cut(experience.attempts),
        repairs=tuple(
            RepairCount(one.mode, one.repair, one.turn, cut(one.tried), cut(one.accepted), cut(one.tokens))
            for one in experience.repairs
            if cut(one.tried)
        ),
        fresh_tried=cut(experience.fresh_tried),
        fresh_accepted=cut(experience.fresh_accepted),
        fresh_tokens=cut(experience.fresh_tokens),
    )
