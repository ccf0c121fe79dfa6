"""Whether an accepted sample is right, by what no gate and no writer sees: tests of what the passage says, or the
result of the query that the question asks for on other rows."""

from actors.gates.code import CodeRunner
from actors.gates.execution import QueryRunner
from actors.gates.results import difference
from schemas.code import CodePassed
from schemas.errors import ErrorKind, JudgeError
from schemas.queries import Answered
from schemas.samples import Draft
from studies.executed.functions import function_in, hidden_tests
from studies.executed.problems import Half
from studies.executed.queries import hidden_databases, queries, subject_of


async def is_right_function(draft: Draft, runner: CodeRunner) -> bool | None:
    """None where it is about no function of this study."""
    problem = function_in(draft.question) or function_in(draft.answer)
    if problem is None:
        return None
    try:
        ran = await runner.check(draft.answer, hidden_tests(problem))
    except JudgeError as error:
        if error.kind is ErrorKind.PERMANENT:  # with such a function the tests do not end
            return False
        raise
    return isinstance(ran.outcome, CodePassed)


async def is_right_query(script: str, draft: Draft, runner: QueryRunner) -> bool | None:
    """None where the question is none of this study, so that nobody knows what it asks for."""
    for problem in queries(*subject_of(script)):
        meaning = problem.state(Half.PARTNER, draft.question)
        if meaning is not None:
            reference = problem.texts[Half.ANSWER][meaning]
            return all([await _agree(each, draft.answer, reference, runner) for each in hidden_databases(script)])
    return None


async def _agree(script: str, query: str, reference: str, runner: QueryRunner) -> bool:
    result, wanted = [await runner.execute(script, each) for each in (query, reference)]
    if not isinstance(wanted, Answered):
        raise ValueError(f"the reference query has no result: {wanted.message}")
    return isinstance(result, Answered) and difference(query, result, reference, wanted) is None
