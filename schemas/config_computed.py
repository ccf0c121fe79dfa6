"""Gates whose verdicts come by computation: final answers are compared, queries and tests executed. Their score is 1 or
0."""

from collections.abc import Mapping
from typing import Annotated, Literal

from schemas.code import CodeLimits
from schemas.config_base import Config, Positive, Probability, Seconds, any_resume, replay
from schemas.programs import Isolation
from schemas.queries import QueryLimits


class Verifier(Config, frozen=True, tag="verifier", tag_field="form"):
    """Final answers are compared by computation, in separate processes that are killed when they take too long."""

    timeout_s: Annotated[
        Seconds,
        any_resume(
            "Processor time for one pair of answers, in seconds; then its process is ended and the pair is an error."
        ),
    ] = 5.0
    memory_mib: Annotated[int, any_resume("Address space of each process, in MiB.", ge=128, le=65_536)] = 1024
    processes: Annotated[
        int,
        any_resume(
            "Of each conductor. Started when reading alone cannot tell; a pair that takes long occupies one.",
            ge=1,
            le=64,
        ),
    ] = 2
    max_characters: Annotated[int, replay("A longer final answer is not compared.", ge=1, le=4_000)] = 1_000


class QueryExecution(Config, frozen=True, tag="execution", tag_field="form"):
    """The answer is a query: it is executed over the passage in a sandbox, and must agree with a second one
    (docs/tasks/sql.md)."""

    pool: Annotated[
        str,
        replay("The pool that writes the second query, from schema and question alone: better not the samples' own."),
    ]
    max_tokens: Annotated[Positive, replay("Longest reply with the second query, in tokens.")] = 512
    empty: Annotated[
        Literal["refused", "allowed"], replay("Whether a result without a row, or without any value, may pass.")
    ] = "refused"
    max_rows: Annotated[int, replay("A query whose result has more rows is rejected.", ge=1, le=100_000)] = 1_000
    timeout_s: Annotated[
        Seconds, replay("Processor time, in seconds, for the passage's script, and again for a query.")
    ] = 5.0
    memory_mib: Annotated[int, replay("Memory of one query with its database, in MiB.", ge=64, le=65_536)] = 512
    processes: Annotated[int, any_resume("Queries that each conductor executes at a time.", ge=1, le=64)] = 2
    isolation: Annotated[
        Literal["namespaces", "process"],
        any_resume("What keeps queries from everything else; `process` holds accidents, no attack (docs/sandbox.md)."),
    ] = "namespaces"

    @property
    def limits(self) -> QueryLimits:
        """Of one query."""
        return QueryLimits(cpu_s=self.timeout_s, memory_mib=self.memory_mib, rows=self.max_rows)

    @property
    def sandbox(self) -> Isolation:
        return Isolation(self.isolation)


class CodeTests(Config, frozen=True, tag="tests", tag_field="form"):
    """The answer is a function: its tests are executed in a sandbox, and must notice when it is changed
    (docs/tasks/code.md)."""

    cases: Annotated[int, replay("A sample whose tests have fewer cases is rejected.", ge=1, le=100)] = 3
    mutants: Annotated[
        int, replay("Small changes of the function that its tests are tried on, at most.", ge=5, le=50)
    ] = 12
    killed: Annotated[Probability, replay("The part of these changes that the tests must notice.")] = 0.8
    timeout_s: Annotated[
        Seconds,
        replay("Processor time, in seconds, for the function, and for its tests; ten times of it by the clock."),
    ] = 2.0
    memory_mib: Annotated[int, replay("Memory of each of the two, in MiB.", ge=64, le=65_536)] = 256
    processes: Annotated[int, any_resume("Functions that each conductor executes at a time.", ge=1, le=64)] = 2
    isolation: Annotated[
        Literal["namespaces", "process"],
        any_resume("What keeps programs from everything else; `process` holds accidents, no attack (docs/sandbox.md)."),
    ] = "namespaces"

    @property
    def limits(self) -> CodeLimits:
        """Of the function, and of its tests."""
        return CodeLimits(cpu_s=self.timeout_s, memory_mib=self.memory_mib)

    @property
    def sandbox(self) -> Isolation:
        return Isolation(self.isolation)


def isolations(gates: Mapping[str, object]) -> dict[str, str]:
    """What keeps the programs that a run's gates execute from everything else, by gate."""
    return {name: gate.isolation for name, gate in gates.items() if isinstance(gate, QueryExecution | CodeTests)}
