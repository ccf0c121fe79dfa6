"""The gate of a function with tests: the tests pass, and they notice when the function is changed.

Law: a verdict follows from executions. Tests that a problem brings judge the answer alone; those of a sample are judged
too, by mutants of its answer. What says nothing of the sample is raised, and never a rejection.
"""

import ast
import asyncio
import re
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from actors.gates.mutants import mutants
from actors.text.repeatable import unrepeatable
from actors.text.syntax import UNPARSED, parsed
from schemas.code import CodeExecution, CodeFailed, CodeHalf, CodeOutcome, CodePassed, Mutant
from schemas.config_computed import CodeTests
from schemas.errors import ErrorKind, JudgeError, ungrouped
from schemas.queries import ProgramModes
from schemas.recovery import FailureMode
from schemas.verdicts import Evidence, GateName, GateRequest, Passed, Rejected, Verdict

TESTS = "tests"
"""The field of a draft that holds them."""
FEWEST_MUTANTS = 5
LONGEST_LINE = 200
"""Characters of a line that a note shows."""
_NOT_THERE = re.compile(r"cannot import name '(?P<name>\w+)'")


class CodeRun(Struct, frozen=True):
    """What became of a program and its tests. `output`: the end of what both wrote."""

    outcome: CodeOutcome
    output: str = ""


class CodeRunner(Protocol):
    """Executes tests against a program."""

    async def check(self, program: str, tests: str) -> CodeRun:
        """Raises JudgeError when nothing is known of either."""
        ...

    async def start(self) -> object:
        """Raises ConfigError where nothing can be executed."""
        ...

    async def close(self) -> None:
        """Ends its processes."""
        ...


class CodeGate:
    """Score 1 when the tests pass and kill enough mutants of the answer; else 0."""

    def __init__(self, name: GateName, config: CodeTests, runner: CodeRunner) -> None:
        self._name = name
        self._config = config
        self.runner = runner

    async def check(self, request: GateRequest) -> Verdict:
        """Raises JudgeError: for a draft without tests, a problem whose own tests cannot be run, and where nothing is
        known of what was executed."""
        program, given = request.draft.answer, request.passage.reference
        tests = request.draft.fields.get(TESTS) if given is None else given
        if tests is None:
            raise JudgeError(ErrorKind.PERMANENT, f"the sample has no field '{TESTS}', and its passage no tests")
        refused = _unrepeatable(program, tests) if given is None else None
        ran = await self.runner.check(program, tests) if refused is None else CodeRun(refused)
        execution = CodeExecution(
            program, tests, ran.outcome, self._config.limits, self._config.sandbox, ran.output, hidden=given is not None
        )
        if isinstance(ran.outcome, CodeFailed):
            return self._failed(request, ran.outcome, execution)
        if given is not None:
            return self._passed("the problem's tests pass", execution)
        return await self._judged(execution)

    def _failed(self, request: GateRequest, outcome: CodeFailed, execution: CodeExecution) -> Rejected:
        if execution.hidden and outcome.mode == ProgramModes.TESTS_BROKEN:
            raise JudgeError(ErrorKind.PERMANENT, f"the problem's own tests cannot be run: {outcome.message}")
        absent = _NOT_THERE.search(outcome.message)
        if absent is not None and not execution.hidden and not _names(request.draft.question, absent["name"]):
            outcome = replace(outcome, mode=ProgramModes.TESTS_BROKEN)
            execution = replace(execution, outcome=outcome)
        return self._rejected(outcome.mode, outcome.message, execution)

    async def _judged(self, execution: CodeExecution) -> Verdict:
        """Of a program whose own tests pass: whether they say anything."""
        config, found = self._config, cases_in(execution.tests)
        if found < config.cases:
            note = f"the tests have {_counted(found, 'case')}, at least {config.cases} are needed"
            return self._rejected(ProgramModes.TESTS_TOO_WEAK, note, execution)
        made = await asyncio.to_thread(mutants, execution.program, config.mutants)
        if len(made) < FEWEST_MUTANTS:
            note = (
                f"the function does too little: {_counted(len(made), 'small change')} can be made in it, "
                f"at least {FEWEST_MUTANTS} are needed to try its tests"
            )
            return self._rejected(ProgramModes.TOO_SIMPLE, note, execution)
        passes = await passing_mutants(self.runner, execution, made)
        killed = tuple(mutant for mutant in made if mutant not in passes)
        execution = replace(execution, killed=killed, survived=passes)
        noticed = f"the tests notice {len(killed)} of {len(made)} changes of the function"
        if len(killed) / len(made) < config.killed:
            note = f"{noticed}, at least {config.killed:.0%} are needed; they pass as well {_changed(execution)}"
            return self._rejected(ProgramModes.TESTS_TOO_WEAK, note, execution)
        return self._passed(noticed, execution)

    def _passed(self, note: str, execution: CodeExecution) -> Passed:
        return Passed(self._name, 1.0, 1.0, Evidence(note=note, code=execution))

    def _rejected(self, mode: FailureMode, note: str, execution: CodeExecution) -> Rejected:
        return Rejected(self._name, 0.0, 1.0, Evidence(note=note, code=execution), mode=mode)


def _unrepeatable(program: str, tests: str) -> CodeFailed | None:
    """Why the verdict could not be made again: what either half depends on besides the other."""
    halves: tuple[tuple[str, CodeHalf, FailureMode], ...] = (
        (program, "answer", ProgramModes.RUNTIME_ERROR),
        (tests, "tests", ProgramModes.TESTS_BROKEN),
    )
    for text, half, mode in halves:
        if (found := unrepeatable(text)) is not None:
            message = f"{found.name} is refused: what is executed must give the same each time"
            return CodeFailed(mode, message, half, found.line)
    return None


async def passing_mutants(runner: CodeRunner, of: CodeExecution, made: Sequence[Mutant]) -> tuple[Mutant, ...]:
    """The mutants that pass the tests. All else tells them from the program, with which the tests come to their end: a
    limit that one of the two reaches too. Raises JudgeError when nothing can be executed."""

    async def passes(mutant: Mutant) -> bool:
        try:
            ran = await runner.check(mutant.of(of.program), of.tests)
        except JudgeError as error:
            if error.kind is ErrorKind.PERMANENT:  # the tests reached a limit of theirs
                return False
            raise
        return isinstance(ran.outcome, CodePassed)

    with ungrouped():
        async with asyncio.TaskGroup() as group:
            asked = {mutant: group.create_task(passes(mutant)) for mutant in made}
    return tuple(mutant for mutant, task in asked.items() if task.result())


def cases_in(tests: str) -> int:
    """How many cases tests try, as they are written: each `assert`; one in a loop over literals counts for each of
    them. 0 for what is no Python."""
    try:
        return sum(map(_cases, parsed(tests).body))
    except UNPARSED:
        return 0


def _cases(node: ast.AST) -> int:
    if isinstance(node, ast.Assert):
        return 1
    inside = sum(map(_cases, ast.iter_child_nodes(node)))
    if isinstance(node, ast.For) and isinstance(node.iter, ast.List | ast.Tuple | ast.Set):
        return inside * len(node.iter.elts)
    return inside


def _names(question: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", question) is not None


def _changed(execution: CodeExecution) -> str:
    """The first change that nobody notices, by its line before and after."""
    first, program = execution.survived[0], execution.program
    at = first.line(program)
    before, after = (text.split("\n")[at - 1].strip()[:LONGEST_LINE] for text in (program, first.of(program)))
    return f"with line {at} changed from `{before}` to `{after}`"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}" if count else f"no {what}"
