"""What is done with a rejected sample, arm by arm, in the product's own configuration.

Law: arms differ in `recovery` alone. Edits of a half and the retry of all have the same words of the execution, and all
of them are drawn at half the temperature.
"""

from actors.recovery.executed import edit_code
from actors.recovery.repairs import WHOLE_TABLE
from actors.tasks.code import TESTS
from actors.tasks.code_reading import write_code
from schemas.config import Recovery
from schemas.recovery import Repairs
from schemas.repairs import RejectedDraft
from schemas.samples import Draft

LAST, AGAIN = "Your last reply was:\n", "\nWrite all of it again."
ROOM = 1_500
"""Characters of an earlier reply that are shown: the product takes at most 2,000 of a repair's words."""
RETRY = "retry_with_message"
_ANSWERS = {"code": (Repairs.EDIT_CODE, Repairs.EDIT_TESTS), "sql": (Repairs.EDIT_QUERY, Repairs.EDIT_QUESTION)}


def retried(rejected: RejectedDraft) -> str:
    """The words of the untyped retry: the reply, and what the execution said of it, as the typed repairs say it."""
    if rejected.draft is None:
        return f"Your last reply could not be read.{AGAIN}"
    return f"{LAST}{_written(rejected.draft)[:ROOM]}{AGAIN}\n{edit_code(rejected).words}"


def _written(draft: Draft) -> str:
    """As it was asked for."""
    if TESTS not in draft.fields:
        return f"Question: {draft.question}\nQuery: {draft.answer}"
    return "\n".join((f"Question: {draft.question}", *(write_code({"": draft.fields[n]}) for n in ("answer", TESTS))))


def recoveries(kind: str) -> dict[str, Recovery]:
    """Every arm of a task, `code` or `sql`, by its name in the plan."""

    def whatever(*row: str) -> dict[str, tuple[str, ...]]:
        return {str(mode): row for mode in WHOLE_TABLE}

    answer, partner = _ANSWERS[kind]
    retry = {RETRY: f"{__name__}:{retried.__name__}"}
    return {
        "discard": Recovery(policy="discard"),
        "resample": Recovery(policy="naive_resample"),
        "cool_resample": Recovery(policy="rules", repairs=whatever(Repairs.LOWER_TEMPERATURE)),
        "untyped": Recovery(policy="rules", repairs=whatever(RETRY), own_repairs=retry),
        "answer_first": Recovery(policy="rules", repairs=whatever(answer, partner, Repairs.RESAMPLE)),
        "typed": Recovery(policy="rules"),
    }
