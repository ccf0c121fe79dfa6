"""Repairs for each failure mode, best first. Law: for one order, a repair is repeated only after all others of its mode
were tried."""

from collections.abc import Collection, Mapping, Sequence

from actors.protocols import Repairer
from actors.recovery.executed import edit_code, edit_query, edit_question, edit_tests
from actors.recovery.modes import RepairTable, RunRepairs
from schemas.code import CODE_REPAIRS
from schemas.config import Recovery
from schemas.ids import PoolName
from schemas.orders import Lease
from schemas.queries import QUERY_REPAIRS
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
"""Repairs that address the mode's fault most directly come first. Which repair pays best is a question for studies."""
_EXECUTED = (QUERY_REPAIRS, CODE_REPAIRS)
WHOLE_TABLE: RepairTable = {
    **REPAIRS,
    **{
        mode: tuple(dict.fromkeys(kind for rows in _EXECUTED for kind in rows.get(mode, ())))
        for rows in _EXECUTED
        for mode in rows
    },
}
"""With the modes that only some gates of ours bring. A query and a function may fail in the same mode; each task knows
its own repairs."""
USUAL_REPAIRS = RunRepairs(REPAIRS)
GROUNDED = (
    R.EDIT_UNSUPPORTED, R.QUOTE_THEN_ANSWER, R.STRICT_GROUNDING, R.LOWER_TEMPERATURE, R.REGENERATE_QUESTION, R.RESAMPLE,
)  # fmt: skip
"""The repairs for any grounded answer."""
TOLD: Mapping[RepairKind, Repairer] = {
    R.EDIT_QUERY: edit_query, R.EDIT_QUESTION: edit_question, R.EDIT_CODE: edit_code, R.EDIT_TESTS: edit_tests,
}  # fmt: skip
"""Repairs whose words tell what an execution said."""
NEEDS_DRAFT = frozenset({R.EDIT_UNSUPPORTED, R.REGENERATE_QUESTION, *TOLD})
WARM = frozenset({R.RESAMPLE, R.REGENERATE_QUESTION, R.ANSWER_SHORTER, R.HOLD_TO_SCHEMA})
"""These repairs keep the temperature; all others lower it. The first two look for something new. The others are for a
completion that did not end: a model that repeats itself does so more at a low temperature."""
COOLING = 0.5


def again(rejected: RejectedDraft) -> Directive:
    """The same request with another seed, at the same temperature."""
    return Directive(temperature=rejected.temperature)


def cooler(rejected: RejectedDraft) -> Directive:
    """No words, beside the task's own for this repair, and a lower temperature."""
    return Directive()


OURS: Mapping[RepairKind, Repairer] = {kind: again if kind in WARM else cooler for kind in KNOWN_REPAIRS} | TOLD
"""Our own; the words of the others come from the task."""


def repair_for(rejected: RejectedDraft, lease: Lease, config: Recovery, repairs: RunRepairs) -> RepairKind:
    """An order's next repair: from its mode's row, untried ones first; at the last attempt a stronger pool."""
    tried = tried_on(lease)
    last = lease.charged + 1 >= config.max_attempts
    return ruled(rejected.diagnosis.mode, tried, rejected.found, repairs, escalates=last and can_escalate(config))


def tried_on(lease: Lease) -> frozenset[RepairKind]:
    """The repairs that an order's attempts carried out, with the present one."""
    now = () if lease.repair is None else (lease.repair.kind,)
    return frozenset((*(RepairKind(past.repair) for past in lease.history if past.repair), *now))


def can_escalate(config: Recovery) -> bool:
    """Whether the configuration names a stronger pool."""
    return config.escalate_to is not None


def ruled(
    mode: FailureMode,
    tried: Collection[RepairKind],
    found: Found,
    repairs: RunRepairs,
    *,
    escalates: bool,
) -> RepairKind:
    """The table's choice. `escalates`: one attempt is left, and there is a stronger pool for it."""
    if escalates:
        return R.ESCALATE
    fitting = _fitting(repairs.of(mode, found), found, repairs)
    return next((kind for kind in fitting if kind not in tried), fitting[0])


def directed(
    kind: RepairKind, rejected: RejectedDraft, config: Recovery, makers: Mapping[RepairKind, Repairer]
) -> tuple[Repair, str]:
    """The repair of this kind for this draft, and its note."""
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
    """Every repair that may be tried, those of the mode's row first; never empty. Repairs outside the row are open to
    all modes except a wrong answer, gates' modes, and modes with a configured row."""
    rows = list(repairs.of(mode, found))
    if mode in KNOWN_MODES and mode != Modes.WRONG_ANSWER and mode not in repairs.listed:
        rows += [kind for kind in GROUNDED if kind not in rows]
    stronger = [R.ESCALATE] if can_escalate(config) else []
    return [*_fitting(rows, found, repairs), *stronger]


def _fitting(rows: Sequence[RepairKind], found: Found, repairs: RunRepairs) -> list[RepairKind]:
    """The repairs that are possible for this draft; if there are none, one that always is."""
    has_draft = isinstance(found, Draft)
    fitting = [kind for kind in rows if repairs.is_known(kind) and (has_draft or kind not in NEEDS_DRAFT)]
    return fitting or [R.STRICT_GROUNDING if repairs.is_known(R.STRICT_GROUNDING) else R.RESAMPLE]
