"""The execution gate with a runner of this process: what is asked, what is rejected, and what is no verdict."""

import pytest
from msgspec.structs import replace

from actors.gates.execution import KEPT_ROWS, ExecutionGate
from actors.gates.results import answered
from schemas.config_computed import QueryExecution
from schemas.errors import EngineError, ErrorKind, JudgeError
from schemas.ids import PoolName
from schemas.queries import Answered, ProgramModes, QueryFailed, QueryOutcome, QueryRow
from schemas.samples import Completion, FinishReason, GenerationRequest
from schemas.samples import answered as draft_of
from schemas.verdicts import Errored, GateName, GateRequest, Passed, Rejected, Verdict
from tests.doubles.passages import passage_of

SCRIPT = "CREATE TABLE town (name TEXT);\nINSERT INTO town VALUES ('Velmora');"
QUESTION, QUERY, SECOND = "Which towns are there?", "SELECT name FROM town", "SELECT town.name FROM town"
REQUEST = GateRequest("order:1", passage_of(SCRIPT), draft_of(QUESTION, QUERY))
CONFIG = QueryExecution(pool="second")


class Results:
    """A runner that knows its queries' results."""

    def __init__(self, known: dict[str, QueryOutcome]) -> None:
        self._known = known

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to end."""

    async def execute(self, script: str, query: str) -> QueryOutcome:
        assert script == SCRIPT
        return self._known[query]


def rows(*found: QueryRow) -> Answered:
    return answered(QUERY, ["name"], found, ["town", "sqlite_master"])


class Asked:
    """The pool `second`, which says one thing."""

    def __init__(self, said: str | Exception = f"```sql\n{SECOND}\n```") -> None:
        self._said = said
        self.requests: list[GenerationRequest] = []

    async def __call__(self, pool: PoolName, request: GenerationRequest) -> Completion:
        assert pool == "second"
        self.requests.append(request)
        if isinstance(self._said, Exception):
            raise self._said
        return Completion(request.id, self._said, FinishReason.STOP, prompt_tokens=30, completion_tokens=9)


async def judged(
    first: QueryOutcome,
    second: QueryOutcome,
    asked: Asked | None = None,
    config: QueryExecution = CONFIG,
    request: GateRequest = REQUEST,
) -> Verdict:
    gate = ExecutionGate(GateName("execution"), config, Results({QUERY: first, SECOND: second}))
    return await gate.check_asking(request, asked or Asked())


async def test_two_queries_of_one_result_pass() -> None:
    """The evidence is the definition of what was read, at its place in the passage."""
    said = await judged(rows(("Velmora",)), rows(("Velmora",)))
    assert isinstance(said, Passed) and said.cost.tokens == 39
    (claim,) = said.evidence.claims
    assert claim.quote is not None
    assert (claim.claim, claim.quote.text, claim.quote.start) == ("it reads town", "CREATE TABLE town (name TEXT)", 0)
    assert [each.query for each in said.evidence.executions] == [QUERY, SECOND]


async def test_the_second_writer_sees_schema_and_question_alone() -> None:
    """Never the first query; another draw, and no greedy one, where the first reply was of no use."""
    asked = Asked()
    await judged(rows(("a",)), rows(("a",)), asked)
    await judged(rows(("a",)), rows(("a",)), asked, request=replace(REQUEST, tries=2))
    first, again = asked.requests
    assert SCRIPT in first.messages[-1].content and QUESTION in first.messages[-1].content
    assert not any(QUERY in message.content for message in first.messages)
    assert (first.sampling.temperature, again.sampling.temperature) == (0.0, 0.3)
    assert first.sampling.seed != again.sampling.seed and first.id != again.id


async def test_a_query_without_a_result_costs_no_second_one() -> None:
    asked = Asked()
    failed = QueryFailed(ProgramModes.TIMEOUT, "it did not end within its time")
    said = await judged(failed, rows(), asked)
    assert isinstance(said, Rejected) and said.mode == ProgramModes.TIMEOUT
    assert (said.evidence.note, said.evidence.executions[0].outcome) == (failed.message, failed)
    said = await judged(rows((None,)), rows(), asked)
    assert isinstance(said, Rejected) and said.mode == ProgramModes.EMPTY_RESULT
    assert asked.requests == []


async def test_an_empty_result_may_be_asked_for() -> None:
    said = await judged(rows(), rows(), config=replace(CONFIG, empty="allowed"))
    assert isinstance(said, Passed)


async def test_a_disagreement_shows_both_results() -> None:
    """The first few rows of each, and the cost of the second query."""
    many = rows(*((f"town {number}" * 100,) for number in range(9)))
    said = await judged(many, rows(("Velmora",)))
    assert isinstance(said, Rejected) and said.mode == ProgramModes.DISAGREEMENT and said.cost.tokens == 39
    assert said.evidence.note == "it gives 9 rows, and the second query 1 row"
    own, second = (each.outcome for each in said.evidence.executions)
    assert isinstance(own, Answered) and isinstance(second, Answered)
    assert (own.count, len(own.rows), own.digest) == (9, KEPT_ROWS, many.digest)
    assert all(len(str(cell)) <= 200 for row in own.rows for cell in row)


@pytest.mark.parametrize(
    ("said", "outcome", "detail"),
    [
        ("I cannot.", rows(), "the second query is no query"),
        (SECOND, QueryFailed(ProgramModes.WRONG_NAME, "no such column: x"), "has no result: no such column: x"),
    ],
)
async def test_a_second_query_without_a_result_is_nonsense(said: str, outcome: QueryOutcome, detail: str) -> None:
    """Which is asked for again, and in the end an error: nothing is known of the first."""
    with pytest.raises(JudgeError, match=detail) as raised:
        await judged(rows(("Velmora",)), outcome, Asked(said))
    assert raised.value.kind is ErrorKind.NONSENSE
    assert raised.value.heard is not None and raised.value.heard.cost.tokens == 39


async def test_a_pool_that_is_away_is_an_error_of_the_gate() -> None:
    """Its calls were retried where it was asked."""
    said = await judged(rows(("a",)), rows(), Asked(EngineError(ErrorKind.RETRYABLE, "away")))
    assert isinstance(said, Errored) and (said.error, said.detail) == (ErrorKind.RETRYABLE, "away")
    alone = await ExecutionGate(GateName("execution"), CONFIG, Results({})).check(REQUEST)
    assert isinstance(alone, Errored)
