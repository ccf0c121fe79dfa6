"""Executes queries that a model wrote: each in a database of its own, made of a script inside the sandbox.

Law: an outcome follows from script, query and limits alone. What is not the query's fault is raised, as an error of the
gate that asked.
"""

import json
from pathlib import Path
from typing import Any

from actors.gates.results import answered
from actors.text.sql import line_of, reads_clock
from deployments.sandbox import query_program
from deployments.sandbox.late import LateSandbox, SandboxPlace
from schemas.errors import ConfigError, ErrorKind, JudgeError, SandboxError
from schemas.programs import Program, ProgramEnd, ProgramLimits, Ran, Source
from schemas.queries import ProgramModes, QueryFailed, QueryLimits, QueryOutcome

PROGRAM = Path(query_program.__file__).read_text()
WRONG_NAME = ("no such ", "ambiguous column name", "has no column named")
WRONG_SYNTAX = ("syntax error", "incomplete input", "unrecognized token", "one statement at a time", "null character")
SLOW = "it did not end within its time"
OUTPUT_KIB = 1_024


class SandboxedQueries(LateSandbox):
    """`actors.gates.execution.QueryRunner`."""

    def __init__(self, limits: QueryLimits, place: SandboxPlace) -> None:
        super().__init__(_programs(limits), place)
        self._limits = limits

    async def execute(self, script: str, query: str) -> QueryOutcome:
        """What becomes of the query. Raises JudgeError: for a script that makes no database within the limits
        (permanent), and when neither is at fault."""
        if reads_clock(query):
            return QueryFailed(ProgramModes.RUNTIME_ERROR, "its result depends on the time at which it is executed")
        limits = self._limits
        given = {"script": script, "query": query, "cpu_s": limits.cpu_s, "rows": limits.rows}
        program = Program(run=Source(PROGRAM), stdin=json.dumps(given).encode())
        try:
            ran = await (await self.start()).run(program)
        except (SandboxError, ConfigError) as error:
            raise JudgeError(ErrorKind.RETRYABLE, f"no query can be executed here: {error}") from error
        return _outcome(query, ran, limits)


def _programs(limits: QueryLimits) -> ProgramLimits:
    """The sandbox's own limits stand behind those that the program keeps itself: it says which phase met them."""
    cpu_s = 2 * limits.cpu_s + 1
    return ProgramLimits(
        cpu_s=cpu_s, wall_s=10 * cpu_s, memory_mib=limits.memory_mib, processes=1, output_kib=OUTPUT_KIB
    )


def _outcome(query: str, ran: Ran, limits: QueryLimits) -> QueryOutcome:
    built, _, told = ran.stdout.text.partition("\n")
    if built != query_program.BUILT:
        raise _no_database(built, ran)
    if not ran.succeeded:
        return _ended(ran)
    said = json.loads(told)
    if "error" in said:
        return _failed(query, said)
    rows = said["rows"]
    if len(rows) > limits.rows:
        return QueryFailed(ProgramModes.RUNTIME_ERROR, f"its result has more than {limits.rows:,} rows")
    if any(isinstance(cell, dict) for row in rows for cell in row):
        return QueryFailed(ProgramModes.RUNTIME_ERROR, "its result holds a blob, which is no text and no number")
    return answered(query, said["columns"], [tuple(row) for row in rows], said["reads"])


def _no_database(told: str, ran: Ran) -> JudgeError:
    """There was nothing to ask. The script is at fault, unless the machine gave it too little of its time."""
    if ran.end is ProgramEnd.WALL_TIME:
        return _starved(ran)
    why = json.loads(told)["script"] if ran.succeeded else f"{ran.end.value} {ran.stderr.text[-200:]}".strip()
    return JudgeError(ErrorKind.PERMANENT, f"the passage is no script that makes a database: {why}")


def _ended(ran: Ran) -> QueryFailed:
    """A query that took the whole program with it. Raises JudgeError if it did not."""
    out_of_memory = QueryFailed(ProgramModes.RUNTIME_ERROR, "it took more memory than it may")
    match ran.end:
        case ProgramEnd.CPU_TIME:
            return QueryFailed(ProgramModes.TIMEOUT, SLOW)
        case ProgramEnd.OUTPUT:
            return QueryFailed(ProgramModes.RUNTIME_ERROR, f"its result has more than {OUTPUT_KIB:,} KiB")
        case ProgramEnd.MEMORY | ProgramEnd.KILLED:
            return out_of_memory
        case ProgramEnd.FINISHED if "MemoryError" in ran.stderr.text:
            return out_of_memory
    raise _starved(ran)


def _starved(ran: Ran) -> JudgeError:
    return JudgeError(ErrorKind.RETRYABLE, f"the query was not executed: {ran.end.value} {ran.stderr.text[-200:]}")


def _failed(query: str, said: dict[str, Any]) -> QueryFailed:
    message: str = said["error"]
    if said["refused"] is not None:
        return QueryFailed(ProgramModes.RUNTIME_ERROR, f"{message}: a query only reads, and not {said['refused']}")
    if message == "interrupted":
        return QueryFailed(ProgramModes.TIMEOUT, SLOW)
    mode = ProgramModes.RUNTIME_ERROR
    if any(each in message for each in WRONG_NAME):
        mode = ProgramModes.WRONG_NAME
    elif any(each in message for each in WRONG_SYNTAX):
        mode = ProgramModes.SYNTAX_ERROR
    return QueryFailed(mode, message, said["line"] or line_of(query, message))
