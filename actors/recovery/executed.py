"""Words for the repairs of a query that was executed. Law: they are what the execution said, so that the model mends
what failed and need not guess; the task says which half of the sample is to be written again."""

import json
from collections.abc import Sequence

from schemas.queries import Answered, Execution, QueryFailed
from schemas.repairs import Directive, RejectedDraft
from schemas.verdicts import Rejected

SHOWN_ROWS = 3
SHOWN_CHARACTERS = 300
"""Of a message, a query or rows."""


def edit_query(rejected: RejectedDraft) -> Directive:
    """The question stays; the query is written again."""
    return Directive(_told(rejected))


def edit_question(rejected: RejectedDraft) -> Directive:
    """The query stays; the question is written again, so that it asks for what the query computes."""
    return Directive(_told(rejected))


def _told(rejected: RejectedDraft) -> str:
    """What the execution said; "" where no gate executed the query."""
    said = (verdict for verdict in rejected.verdicts if isinstance(verdict, Rejected) and verdict.evidence.executions)
    verdict = next(said, None)
    return "" if verdict is None else _words(verdict.evidence.note, verdict.evidence.executions)


def _words(note: str, executions: Sequence[Execution]) -> str:
    first, *others = executions
    if isinstance(first.outcome, QueryFailed):
        lines = first.query.split("\n")
        at = first.outcome.line
        where = "" if at is None or at > len(lines) else f" (line {at}: {_short(lines[at - 1].strip())})"
        return f"The query failed: {_short(first.outcome.message)}{where}."
    told = [f"The query's result is wrong: {note}.", f"It gave {_rows(first.outcome)}."]
    for other in others:
        if isinstance(other.outcome, Answered):
            told.append(f"Another reader of the question wrote: {_short(other.query)}")
            told.append(f"That gave {_rows(other.outcome)}.")
    return "\n".join(told)


def _rows(result: Answered) -> str:
    rows = ", ".join(json.dumps(list(row), ensure_ascii=False) for row in result.rows[:SHOWN_ROWS])
    more = ", ..." if result.count > SHOWN_ROWS else ""
    return _short(f"{rows}{more}") if rows else "no row"


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= SHOWN_CHARACTERS else f"{plain[:SHOWN_CHARACTERS]} ..."
