"""Queries that a model wrote, and what became of them when they were executed. Law: an outcome is what SQLite did with
the query, computed in a sandbox from the passage's script and the query alone; the same two give the same outcome."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.programs import Isolation
from schemas.recovery import FailureMode, RepairKind, Repairs


class ProgramModes:
    """Why a program that a model wrote is no sample, as its execution says."""

    SYNTAX_ERROR = FailureMode("syntax_error")
    WRONG_NAME = FailureMode("wrong_name")
    """A table, column or function that is not there, or a name that may mean several."""
    RUNTIME_ERROR = FailureMode("runtime_error")
    """It is refused, fails while it runs, or its result is none that can be compared."""
    TIMEOUT = FailureMode("timeout")
    EMPTY_RESULT = FailureMode("empty_result")
    DISAGREEMENT = FailureMode("disagreement")
    """A second query, asked for with the question alone, gives another result."""
    TEST_FAILED = FailureMode("test_failed")
    TESTS_BROKEN = FailureMode("tests_broken")
    """The tests themselves are at fault: they do not compile, or raise an error of their own."""
    TESTS_TOO_WEAK = FailureMode("tests_too_weak")
    """They pass as well when the program is changed, or are too few."""
    TOO_SIMPLE = FailureMode("too_simple")
    """So little can be changed in the program that nothing is known of its tests."""


FAILED_MODES = frozenset(
    {ProgramModes.SYNTAX_ERROR, ProgramModes.WRONG_NAME, ProgramModes.RUNTIME_ERROR, ProgramModes.TIMEOUT}
)
"""The program itself is at fault, whatever was asked."""
QUERY_REPAIRS: dict[FailureMode, tuple[RepairKind, ...]] = {
    ProgramModes.SYNTAX_ERROR: (Repairs.EDIT_QUERY, Repairs.RESAMPLE),
    ProgramModes.WRONG_NAME: (Repairs.EDIT_QUERY, Repairs.RESAMPLE),
    ProgramModes.RUNTIME_ERROR: (Repairs.EDIT_QUERY, Repairs.RESAMPLE),
    ProgramModes.TIMEOUT: (Repairs.EDIT_QUERY, Repairs.RESAMPLE),
    ProgramModes.EMPTY_RESULT: (Repairs.EDIT_QUERY, Repairs.EDIT_QUESTION, Repairs.RESAMPLE),
    ProgramModes.DISAGREEMENT: (Repairs.EDIT_QUESTION, Repairs.EDIT_QUERY, Repairs.RESAMPLE),
}
"""The modes that a gate of form `execution` brings, each with its repairs, best first."""

Cell = int | float | str | None
QueryRow = tuple[Cell, ...]


class QueryLimits(Struct, frozen=True):
    """What one query may take. Each bound is a key of a gate of form `execution`."""

    cpu_s: Annotated[float, Meta(gt=0)] = 5.0
    """Processor time of the script, and again of the query."""
    memory_mib: Annotated[int, Meta(ge=64)] = 512
    rows: Annotated[int, Meta(ge=1)] = 1_000
    """A result of more rows is an error of the query."""


class Answered(Struct, frozen=True, tag="answered"):
    """The query came to its end. `rows`: all of them, in their order; where an outcome is kept, the first few."""

    columns: tuple[str, ...]
    rows: tuple[QueryRow, ...]
    count: int
    digest: str
    """Of all rows; of their order too, if the query says what it is."""
    reads: tuple[str, ...] = ()
    """The tables and views that it read, in lower case, sorted."""


class QueryFailed(Struct, frozen=True, tag="failed", omit_defaults=True):
    """The query has no result. `message`: in SQLite's words, or ours where a limit ended it."""

    mode: FailureMode
    message: str
    line: int | None = None
    """The line of the query where it fails, from 1, if that is known."""


QueryOutcome = Answered | QueryFailed


class Execution(Struct, frozen=True, omit_defaults=True):
    """A query and its outcome with all that is needed to execute it again, beside the passage."""

    query: str
    outcome: QueryOutcome
    limits: QueryLimits
    sandbox: Isolation
