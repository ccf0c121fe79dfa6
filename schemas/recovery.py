"""Why a sample failed, and what should fix it. The diagnosis comes before the repair; both are recorded."""

from enum import Enum
from typing import NewType

from msgspec import Struct

from schemas.ids import PoolName
from schemas.samples import Draft

FailureMode = NewType("FailureMode", str)
"""The probable reason why a sample failed: one of `Modes`, or a name that a gate or a task brings."""


class Modes:
    """The failure modes that the diagnoser itself can find."""

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
"""The name of a repair: one of `Repairs`, or a name that a configuration brings."""


class Repairs:
    """The repairs that our own tasks know."""

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
    EDIT_QUERY = RepairKind("edit_query")
    EDIT_QUESTION = RepairKind("edit_question")
    EDIT_CODE = RepairKind("edit_code")
    EDIT_TESTS = RepairKind("edit_tests")


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
    Repairs.EDIT_QUERY,
    Repairs.EDIT_QUESTION,
    Repairs.EDIT_CODE,
    Repairs.EDIT_TESTS,
)
"""All of them, in the order in which they are shown."""

FORM_REPAIRS = (Repairs.ANSWER_SHORTER, Repairs.RESTATE_FORM, Repairs.HOLD_TO_SCHEMA)
"""Repairs of a malformed completion. They are open only to a task that says it knows them, because a model that was
trained on fixed prompts may not understand others."""


class Repair(Struct, frozen=True, omit_defaults=True):
    """The directive of the next attempt. `previous`: the draft to edit or avoid; `pool`: the pool to escalate to;
    `prefix`: the beginning of a solution that the model must continue."""

    kind: RepairKind
    temperature: float
    previous: Draft | None = None
    pool: PoolName | None = None
    prefix: str = ""
    origin: int = 0
    """The attempt that the prefix is from; 0 if there is none."""
    words: str = ""
    """Words that are added to the prompt; for our own repairs, the task has the words."""


class Diagnosis(Struct, frozen=True, omit_defaults=True):
    """A failure mode predicted from evidence. `confidence` in [0, 1]; `reasons`: the facts that support it."""

    mode: FailureMode
    confidence: float
    reasons: tuple[str, ...] = ()


class Choice(Struct, frozen=True, omit_defaults=True):
    """The decision of a policy, with its probability (1.0 for a rule). `repair`: None means stop."""

    policy: str
    repair: Repair | None
    probability: float = 1.0
    reason: str = ""
    after: int = 0
    """How many recorded attempts the policy had learnt from; 0 for a policy that does not learn."""
    known: tuple[RepairKind, ...] = ()
    """The repairs that the task says it knows, sorted; () if it knows all."""
    forms: tuple[RepairKind, ...] = ()
    """The repairs in `FORM_REPAIRS` that the task knows, sorted."""


class RepairTurn(Enum):
    """When a repair is tried. An order that failed twice fails more often again, most of all with the same repair."""

    FIRST = "first"
    """After the order's first rejection."""
    LATER = "later"
    """After a later rejection; the repair is new to the order."""
    AGAIN = "again"
    """After a later rejection; the repair was tried on the order before."""


class RepairCount(Struct, frozen=True):
    """The results of one repair, over attempts that a gate judged."""

    mode: FailureMode
    repair: RepairKind
    turn: RepairTurn
    tried: int
    accepted: int
    tokens: int
    """Generator and gates together."""


class Experience(Struct, frozen=True, omit_defaults=True):
    """The results of a run's repairs so far: a fold over the ledger. `fresh_…`: of first attempts."""

    attempts: int = 0
    """Attempts in the fold: two experiences of one run with the same number are equal."""
    repairs: tuple[RepairCount, ...] = ()
    fresh_tried: int = 0
    fresh_accepted: int = 0
    fresh_tokens: int = 0
