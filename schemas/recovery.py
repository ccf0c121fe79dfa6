"""Why a sample failed, and what should fix it. The diagnosis is made before the repair; both are recorded."""

from enum import Enum
from typing import NewType

from msgspec import Struct

from schemas.ids import PoolName
from schemas.samples import Draft

FailureMode = NewType("FailureMode", str)
"""Why a sample failed, as far as evidence tells: one of `Modes`, or a name that a gate or a task brings."""


class Modes:
    """The failure modes that the diagnoser itself can tell."""

    PARAMETRIC = FailureMode("parametric")
    TEMPERATURE = FailureMode("temperature")
    CROSS_PASSAGE = FailureMode("cross_passage")
    AMBIGUOUS_SOURCE = FailureMode("ambiguous_source")
    MARGINAL = FailureMode("marginal")
    INSTRUCTION_QUALITY = FailureMode("instruction_quality")
    RESPONSE_QUALITY = FailureMode("response_quality")
    DOMAIN_MISMATCH = FailureMode("domain_mismatch")
    MALFORMED = FailureMode("malformed")
    NEAR_DUPLICATE = FailureMode("near_duplicate")
    WRONG_ANSWER = FailureMode("wrong_answer")
    UNKNOWN = FailureMode("unknown")


KNOWN_MODES = (
    Modes.PARAMETRIC,
    Modes.TEMPERATURE,
    Modes.CROSS_PASSAGE,
    Modes.AMBIGUOUS_SOURCE,
    Modes.MARGINAL,
    Modes.INSTRUCTION_QUALITY,
    Modes.RESPONSE_QUALITY,
    Modes.DOMAIN_MISMATCH,
    Modes.MALFORMED,
    Modes.NEAR_DUPLICATE,
    Modes.WRONG_ANSWER,
    Modes.UNKNOWN,
)
"""All of them, in the order in which they are shown."""


RepairKind = NewType("RepairKind", str)
"""What the next attempt does differently: one of `Repairs`, or a name that a configuration brings."""


class Repairs:
    """The repairs that our own tasks know the words of."""

    RESAMPLE = RepairKind("resample")
    LOWER_TEMPERATURE = RepairKind("lower_temperature")
    STRICT_GROUNDING = RepairKind("strict_grounding")
    QUOTE_THEN_ANSWER = RepairKind("quote_then_answer")
    EDIT_UNSUPPORTED = RepairKind("edit_unsupported")
    REGENERATE_QUESTION = RepairKind("regenerate_question")
    ESCALATE = RepairKind("escalate")
    RESTART_FROM_PREFIX = RepairKind("restart_from_prefix")
    ANSWER_SHORTER = RepairKind("answer_shorter")
    RESTATE_FORM = RepairKind("restate_form")
    HOLD_TO_SCHEMA = RepairKind("hold_to_schema")


KNOWN_REPAIRS = (
    Repairs.RESAMPLE,
    Repairs.LOWER_TEMPERATURE,
    Repairs.STRICT_GROUNDING,
    Repairs.QUOTE_THEN_ANSWER,
    Repairs.EDIT_UNSUPPORTED,
    Repairs.REGENERATE_QUESTION,
    Repairs.ESCALATE,
    Repairs.RESTART_FROM_PREFIX,
    Repairs.ANSWER_SHORTER,
    Repairs.RESTATE_FORM,
    Repairs.HOLD_TO_SCHEMA,
)
"""All of them, in the order in which they are shown."""

FORM_REPAIRS = (Repairs.ANSWER_SHORTER, Repairs.RESTATE_FORM, Repairs.HOLD_TO_SCHEMA)
"""Repairs of a completion that is no draft. Open only to a task that says it knows them: a model that was trained on
fixed prompts knows no other words."""


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
    words: str = ""
    """What the prompt is told besides; ours have their words in the task."""


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
    after: int = 0
    """Recorded attempts that the policy had learnt from; 0 for one that does not learn."""
    known: tuple[RepairKind, ...] = ()
    """The repairs that the task says it knows, sorted; () where it knows all."""
    forms: tuple[RepairKind, ...] = ()
    """Of `FORM_REPAIRS`, those that the task knows, sorted."""


class RepairTurn(Enum):
    """When a repair is tried: what failed twice fails more easily a third time, the same way most of all."""

    FIRST = "first"
    """After the order's first rejection."""
    LATER = "later"
    """After a later one, and new to the order."""
    AGAIN = "again"
    """After a later one, and tried on the order before."""


class RepairCount(Struct, frozen=True):
    """What one repair came to, of the attempts that a gate judged."""

    mode: FailureMode
    repair: RepairKind
    turn: RepairTurn
    tried: int
    accepted: int
    tokens: int
    """Generator and gates together."""


class Experience(Struct, frozen=True, omit_defaults=True):
    """What a run has shown of its repairs so far: a fold over the ledger. `fresh_…`: first attempts of clean orders."""

    attempts: int = 0
    """Attempts in the fold: two experiences of one run with the same number are the same."""
    repairs: tuple[RepairCount, ...] = ()
    fresh_tried: int = 0
    fresh_accepted: int = 0
    fresh_tokens: int = 0
