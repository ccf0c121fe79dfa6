"""Why a sample failed, and what should fix it. The diagnosis is made before the repair; both are recorded."""

from enum import Enum

from msgspec import Struct

from schemas.ids import PoolName
from schemas.samples import Draft


class FailureMode(Enum):
    """Why a sample failed, as far as evidence tells."""

    PARAMETRIC = "parametric"
    TEMPERATURE = "temperature"
    CROSS_PASSAGE = "cross_passage"
    AMBIGUOUS_SOURCE = "ambiguous_source"
    MARGINAL = "marginal"
    INSTRUCTION_QUALITY = "instruction_quality"
    RESPONSE_QUALITY = "response_quality"
    DOMAIN_MISMATCH = "domain_mismatch"
    MALFORMED = "malformed"
    NEAR_DUPLICATE = "near_duplicate"
    WRONG_ANSWER = "wrong_answer"
    UNKNOWN = "unknown"


class RepairKind(Enum):
    """What the next attempt does differently."""

    RESAMPLE = "resample"
    LOWER_TEMPERATURE = "lower_temperature"
    STRICT_GROUNDING = "strict_grounding"
    QUOTE_THEN_ANSWER = "quote_then_answer"
    EDIT_UNSUPPORTED = "edit_unsupported"
    REGENERATE_QUESTION = "regenerate_question"
    ESCALATE = "escalate"
    RESTART_FROM_PREFIX = "restart_from_prefix"


class Repair(Struct, frozen=True, omit_defaults=True):
    """The directive of the next attempt. `previous` is the draft to edit or to avoid; `pool` where to escalate to;
    `prefix` the beginning of a solution that is to be continued."""

    kind: RepairKind
    temperature: float
    previous: Draft | None = None
    pool: PoolName | None = None
    prefix: str = ""
    origin: int = 0
    """The attempt that the prefix is of; 0 where there is none."""


class Diagnosis(Struct, frozen=True, omit_defaults=True):
    """A failure mode predicted from evidence. `confidence` in [0, 1]; `reasons` are the facts that spoke for it."""

    mode: FailureMode
    confidence: float
    reasons: tuple[str, ...] = ()


class Choice(Struct, frozen=True, omit_defaults=True):
    """What the policy decided and with which probability (1.0 for a rule). `repair` is None for stop."""

    policy: str
    repair: Repair | None
    probability: float = 1.0
    reason: str = ""
