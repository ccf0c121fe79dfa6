"""Words for the repairs of a query or a function that was executed. Law: they are what the execution said, so that the
model mends what failed and need not guess; the task says which half of the sample is to be written again. Of tests that
a problem brings they show nothing."""

import builtins
import json
from collections.abc import Sequence

from schemas.code import CodeExecution, CodeFailed
from schemas.queries import Answered, Execution, ProgramModes, QueryFailed
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


def edit_code(rejected: RejectedDraft) -> Directive:
    """Question and tests stay; the function is written again."""
    return Directive(_told(rejected))


def edit_tests(rejected: RejectedDraft) -> Directive:
    """Question and function stay; the tests are written again."""
    return Directive(_told(rejected))


def _told(rejected: RejectedDraft) -> str:
    """What the execution said; "" where no gate executed anything."""
    for said in rejected.verdicts:
        if isinstance(said, Rejected) and said.evidence.executions:
            return _words(said.evidence.note, said.evidence.executions)
        if isinstance(said, Rejected) and said.evidence.code is not None:
            return _code_words(said.evidence.note, said.evidence.code)
    return ""


def _code_words(note: str, executed: CodeExecution) -> str:
    outcome = executed.outcome
    if not isinstance(outcome, CodeFailed):
        return f"The tests pass, but {_short(note)}."
    if executed.hidden:
        return _of_hidden_tests(outcome, executed.program)
    text, where = (executed.program, "code") if outcome.half == "answer" else (executed.tests, "tests")
    return f"The tests fail: {_short(outcome.message)}{_line(text, outcome.line, f' of the {where}')}."


def _of_hidden_tests(outcome: CodeFailed, program: str) -> str:
    """The name of the error, and a line of the program's own. A message is the program's word, which may hold what a
    test gave to it; its line may be one of theirs."""
    name = outcome.message.partition(":")[0]
    known = getattr(builtins, name, None)
    what = f" with {name}" if isinstance(known, type) and issubclass(known, BaseException) else ""
    if outcome.half == "answer":
        return f"The code itself fails{what}{_line(program, outcome.line)}."
    if outcome.mode == ProgramModes.TIMEOUT:
        return "With a hidden test it does not end within its time."
    return f"A hidden test fails{what}."


def _words(note: str, executions: Sequence[Execution]) -> str:
    first, *others = executions
    if isinstance(first.outcome, QueryFailed):
        return f"The query failed: {_short(first.outcome.message)}{_line(first.query, first.outcome.line)}."
    told = [f"The query's result is wrong: {note}.", f"It gave {_rows(first.outcome)}."]
    for other in others:
        if isinstance(other.outcome, Answered):
            told.append(f"Another reader of the question wrote: {_short(other.query)}")
            told.append(f"That gave {_rows(other.outcome)}.")
    return "\n".join(told)


def _line(text: str, at: int | None, of: str = "") -> str:
    """The line that fails, if that is known."""
    lines = text.split("\n")
    return "" if at is None or at > len(lines) else f" (line {at}{of}: {_short(lines[at - 1].strip())})"


def _rows(result: Answered) -> str:
    rows = ", ".join(json.dumps(list(row), ensure_ascii=False) for row in result.rows[:SHOWN_ROWS])
    more = ", ..." if result.count > SHOWN_ROWS else ""
    return _short(f"{rows}{more}") if rows else "no row"


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= SHOWN_CHARACTERS else f"{plain[:SHOWN_CHARACTERS]} ..."
