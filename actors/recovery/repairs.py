"""Failure mode to directives, best first. Law: a directive that has failed for this order is not tried again before the
others have been."""

from collections.abc import Collection, Mapping, Sequence

from actors.protocols import Repairer
from actors.recovery.modes import RepairTable, RunRepairs
from schemas.config import Recovery
from schemas.ids import PoolName
from schemas.orders import Lease
from schemas.recovery import KNOWN_MODES, KNOWN_REPAIRS, FailureMode, Modes, Repair, RepairKind, Repairs
from schemas.repairs import Directive, Found, RejectedDraft
from schemas.samples import Draft

R = Repairs
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
USUAL_REPAIRS = RunRepairs(REPAIRS)
GROUNDED = (
    R.EDIT_UNSUPPORTED, R.QUOTE_THEN_ANSWER, R.STRICT_GROUNDING, R.LOWER_TEMPERATURE, R.REGENERATE_QUESTION, R.RESAMPLE,
)  # fmt: skip
"""What any grounded answer may be repaired by."""
NEEDS_DRAFT = frozenset({R.EDIT_UNSUPPORTED, R.REGENERATE_QUESTION})
WARM = frozenset({R.RESAMPLE, R.REGENERATE_QUESTION, R.ANSWER_SHORTER, R.HOLD_TO_SCHEMA})
"""Repairs that look for something else keep the temperature, as do those of a completion that did not end: a model that
repeats itself does so more when cold. The others cool down."""
COOLING = 0.5


def again(rejected: RejectedDraft) -> Directive:
    """The same request with another seed, as warm as before."""
    return Directive(temperature=rejected.temperature)


def cooler(rejected: RejectedDraft) -> Directive:
    """Nothing besides what the task's own words for the repair are."""
    return Directive()


OURS: Mapping[RepairKind, Repairer] = {kind: again if kind in WARM else cooler for kind in KNOWN_REPAIRS}
"""The repairs whose words are the task's own."""


def repair_for(rejected: RejectedDraft, lease: Lease, config: Recovery, repairs: RunRepairs) -> RepairKind:
    """The next repair of an order: by its mode, untried ones first, a stronger pool at the last attempt."""
    tried = tried_on(lease)
    last = lease.charged + 1 >= config.max_attempts
    return ruled(rejected.diagnosis.mode, tried, rejected.found, repairs, escalates=last and can_escalate(config))


def tried_on(lease: Lease) -> frozenset[RepairKind]:
    """The repairs that an order's attempts were made under, the present one's too."""
    now = () if lease.repair is None else (lease.repair.kind,)
    return frozenset((*(RepairKind(past.repair) for past in lease.history if past.repair), *now))


def can_escalate(config: Recovery) -> bool:
    """Whether there is a stronger pool."""
    return config.escalate_to is not None


def ruled(
    mode: FailureMode,
    tried: Collection[RepairKind],
    found: Found,
    repairs: RunRepairs,
    *,
    escalates: bool,
) -> RepairKind:
    """What the table says. `escalates`: there is one attempt left, and a stronger pool for it."""
    if escalates:
        return R.ESCALATE
    fitting = _fitting(repairs.of(mode, found), found, repairs)
    return next((kind for kind in fitting if kind not in tried), fitting[0])


def directed(
    kind: RepairKind, rejected: RejectedDraft, config: Recovery, makers: Mapping[RepairKind, Repairer]
) -> tuple[Repair, str]:
    """The repair of that kind for this draft, and its note."""
    said = makers[kind](rejected)
    cooled = round(rejected.temperature * COOLING, 3)
    return Repair(
        kind,
        cooled if said.temperature is None else said.temperature,
        previous=rejected.draft,
        pool=PoolName(config.escalate_to) if kind == R.ESCALATE and config.escalate_to is not None else None,
        words=said.words,
    ), said.note


def arms(mode: FailureMode, found: Found, config: Recovery, repairs: RunRepairs) -> list[RepairKind]:
    """Every repair that could be tried, those of the mode's row first; never none. What a row does not list is open to
    all modes but a wrong answer, what gates bring, and the rows of the configuration."""
    rows = list(repairs.of(mode, found))
    if mode in KNOWN_MODES and mode != Modes.WRONG_ANSWER and mode not in repairs.listed:
        rows += [kind for kind in GROUNDED if kind not in rows]
    stronger = [R.ESCALATE] if can_escalate(config) else []
    return [*_fitting(rows, found, repairs), *stronger]


def _fitting(rows: Sequence[RepairKind], found: Found, repairs: RunRepairs) -> list[RepairKind]:
    """Those that can be asked for of this draft; one that always can where there is none."""
    has_draft = isinstance(found, Draft)
    fitting = [kind for kind in rows if repairs.is_known(kind) and (has_draft or kind not in NEEDS_DRAFT)]
    return fitting or [R.STRICT_GROUNDING if repairs.is_known(R.STRICT_GROUNDING) else R.RESAMPLE]
