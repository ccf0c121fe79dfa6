"""What a row says of executions against what the ledger says, also where an older version wrote it."""

import pytest

from actors.audit.executed import decoded, executed_rows
from actors.dataset.executions import executions_of
from schemas.code import CodeExecution, CodeFailed, CodeLimits, CodePassed, Mutant
from schemas.programs import Isolation
from schemas.queries import Answered, Execution, ProgramModes, QueryFailed, QueryLimits
from schemas.verdicts import Evidence, GateName, Passed, Verdict

PLACE = Isolation.NAMESPACES
MUTANTS = (Mutant(4, 5, "(2)"), Mutant(7, 9, "pass"))
CODE = CodeExecution("def f(): ...", "f()", CodePassed(), CodeLimits(), PLACE, "out", MUTANTS[:1], MUTANTS[1:])
FAILED = CodeExecution("def f(", "f()", CodeFailed(ProgramModes.SYNTAX_ERROR, "no", "answer", 1), CodeLimits(), PLACE)
QUERY = Execution("SELECT 1.5", Answered(("x",), ((1.5,), (None,)), 2, "d" * 64), QueryLimits(), PLACE)
WRONG = Execution("SELECT y", QueryFailed(ProgramModes.WRONG_NAME, "no such column: y"), QueryLimits(), PLACE)


def verdicts(*executed: CodeExecution | Execution) -> tuple[Verdict, ...]:
    return tuple(
        Passed(
            GateName("executed"),
            1.0,
            1.0,
            Evidence(code=each) if isinstance(each, CodeExecution) else Evidence(executions=(each,)),
        )
        for each in executed
    )


@pytest.mark.parametrize("executed", [(CODE,), (FAILED,), (QUERY, WRONG), (QUERY, CODE), ()])
def test_a_row_as_it_is_written_is_what_the_ledger_says(executed: tuple[CodeExecution | Execution, ...]) -> None:
    said = verdicts(*executed)
    assert decoded(executions_of(said)) == executed_rows(said)


@pytest.mark.parametrize(
    ("name", "value"),
    [("tests", "f() or True"), ("mutants_json", "{}"), ("mutants_json", "{"), ("limits_json", "[]"), ("line", 3)],
)
def test_a_row_that_says_something_else_differs(name: str, value: object) -> None:
    (row,) = executions_of(verdicts(CODE))
    assert decoded([{**row, name: value}]) != executed_rows(verdicts(CODE))


def test_a_row_of_a_version_without_functions_is_still_right() -> None:
    """It lacks the columns that queries do not use."""
    (row,) = executions_of(verdicts(QUERY))
    older = {name: row[name] for name in row if name not in ("tests", "output", "line", "mutants_json")}
    assert decoded([older]) == executed_rows(verdicts(QUERY))
