"""Why a sample failed and what should fix it: evidence, then a diagnosis, then a repair, in that order."""

from collections.abc import Sequence

from msgspec import Struct

from schemas.config import FRESH_POOL, GroundedAnswer, Recovery
from schemas.ids import PoolName
from schemas.orders import Lease
from schemas.recovery import Choice, Diagnosis, FailureMode, Repair, RepairKind
from schemas.samples import Candidate
from schemas.verdicts import GateName, Rejected, Verdict


class Rules(Struct, frozen=True):
    config: Recovery
    task: GroundedAnswer

    def decide(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]:
        gates = {v.gate for v in verdicts if isinstance(v, Rejected)}
        if GateName.DIVERSITY in gates:
            mode, kind = FailureMode.NEAR_DUPLICATE, RepairKind.REGENERATE_QUESTION
        elif GateName.FORMAT in gates:
            mode, kind = FailureMode.MALFORMED, RepairKind.STRICT_GROUNDING
        elif GateName.FAITHFULNESS in gates:
            mode, kind = FailureMode.PARAMETRIC, RepairKind.STRICT_GROUNDING
        else:
            mode, kind = FailureMode.RESPONSE_QUALITY, RepairKind.STRICT_GROUNDING
        if lease.attempt >= self.config.max_attempts or self.config.policy == "discard":
            return Diagnosis(mode, 0.5), Choice(self.config.policy, None, reason="stop")
        return Diagnosis(mode, 0.5), Choice(self.config.policy, Repair(kind, 0.3, candidate.draft))


def build_recovery(config: Recovery, task: GroundedAnswer) -> Rules:
    return Rules(config, task)
