"""Failure mode to directives, best first. Law: a directive that has failed for this order is not tried again before the
others have been."""

from collections.abc import Collection, Sequence

from actors.recovery.modes import RepairTable, repairs_of
from schemas.config import Recovery
from schemas.ids import PoolName
from schemas.orders import Lease
from schemas.recovery import KNOWN_MODES, FailureMode, Modes, Repair, RepairKind
from schemas.samples import Candidate

R, M = RepairKind, FailureMode
REPAIRS: RepairTable = {
    Modes.PARAMETRIC: (R.EDIT_UNSUPPORTED, R.QUOTE_THEN_ANSWER, R.STRICT_GROUNDING),
    Modes.TEMPERATURE: (R.LOWER_TEMPERATURE, R.STRICT_GROUNDING, R.QUOTE_THEN_ANSWER),
    Modes.CROSS_PASSAGE: (R.QUOTE_THEN_ANSWER, R.STRICT_GROUNDING, R.REGENERATE_QUESTION),
    Modes.AMBIGUOUS_SOURCE: (R.QUOTE_THEN_ANSWER, R.EDIT_UNSUPPORTED, R.REGENERATE_QUESTION),
    Modes.MARGINAL: (R.STRICT_GROUNDING, R.QUOTE_THEN_ANSWER, R.REGENERATE_QUESTION),
    Modes.INSTRUCTION_QUALITY: (R.REGENERATE_QUESTION, R.STRICT_GROUNDING, R.QUOTE_THEN_ANSWER),
    Modes.RESPONSE_QUALITY: (R.STRICT_GROUNDING, R.QUOTE_THEN_ANSWER, R.REGENERATE_QUESTION),
    Modes.DOMAIN_MISMATCH: (R.QUOTE_THEN_ANSWER, R.STRICT_GROUNDING, R.REGENERATE_QUESTION),
    Modes.MALFORMED: (R.LOWER_TEMPERATURE, R.STRICT_GROUNDING, R.QUOTE_THEN_ANSWER),
    Modes.NEAR_DUPLICATE: (R.REGENERATE_QUESTION, R.QUOTE_THEN_ANSWER),
    Modes.WRONG_ANSWER: (R.RESAMPLE,),
    Modes.UNKNOWN: (R.STRICT_GROUNDING, R.QUOTE_THEN_ANSWER, R.RESAMPLE),
}
"""What the mode says is wrong, addressed most directly first. Which repair pays best is for a study to measure."""
GROUNDED = (
    R.EDIT_UNSUPPORTED, R.QUOTE_THEN_ANSWER, R.STRICT_GROUNDING, R.LOWER_TEMPERATURE, R.REGENERATE_QUESTION, R.RESAMPLE,
)  # fmt: skip
"""What any grounded answer may be repaired by."""
NEEDS_DRAFT = frozenset({R.EDIT_UNSUPPORTED, R.REGENERATE_QUESTION})
WARM = frozenset({R.RESAMPLE, R.REGENERATE_QUESTION})
"""Repairs that look for something else keep the temperature; the others cool down."""
COOLING = 0.5


def repair_for(
    mode: FailureMode, lease: Lease, candidate: Candidate, config: Recovery, *, table: RepairTable = REPAIRS
) -> Repair:
    """The next repair of an order: by its mode, untried ones first, a stronger pool at the last attempt."""
    tried = {past.repair for past in lease.history} | {None if lease.repair is None else lease.repair.kind.value}
    last = lease.charged + 1 >= config.max_attempts
    return directive(ruled(repairs_of(mode, table), tried, candidate, config, last=last), candidate, config)


def ruled(
    listed: Sequence[RepairKind], tried: Collection[str | None], candidate: Candidate, config: Recovery, *, last: bool
) -> RepairKind:
    """What the table says that lists these for the mode. `tried`: kinds by their values; `last`: there is one attempt
    left."""
    if last and config.escalate_to is not None:
        return R.ESCALATE
    fitting = [kind for kind in listed if candidate.draft is not None or kind not in NEEDS_DRAFT]
    untried = [kind for kind in fitting if kind.value not in tried]
    return (untried or fitting or [R.STRICT_GROUNDING])[0]


def directive(kind: RepairKind, candidate: Candidate, config: Recovery) -> Repair:
    """The repair of that kind for this candidate."""
    pool = config.escalate_to if kind is R.ESCALATE else None
    return Repair(
        kind, _cooled(kind, candidate), previous=candidate.draft, pool=None if pool is None else PoolName(pool)
    )


def arms(
    mode: FailureMode, candidate: Candidate, config: Recovery, *, table: RepairTable = REPAIRS
) -> list[RepairKind]:
    """Every repair that could be tried, those of the mode's table first. What a table does not list is open to all
    modes but a wrong answer and what gates bring, whose repairs are a task's own or the gate's."""
    listed = list(repairs_of(mode, table))
    if mode in KNOWN_MODES and mode != Modes.WRONG_ANSWER:
        listed += [kind for kind in GROUNDED if kind not in listed]
    if config.escalate_to is not None:
        listed.append(R.ESCALATE)
    return [kind for kind in listed if candidate.draft is not None or kind not in NEEDS_DRAFT]


def _cooled(kind: RepairKind, candidate: Candidate) -> float:
    temperature = candidate.sampling.temperature
    return temperature if kind in WARM else round(temperature * COOLING, 3)
