"""Functions that a model wrote, with the tests that ran against them. Law: an outcome is what a sandbox made of program
and tests, and follows from these two and the limits alone; so does that of each mutant, which is the program with one
edit."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.programs import Isolation
from schemas.queries import ProgramModes
from schemas.recovery import FailureMode, RepairKind, Repairs

CODE_REPAIRS: dict[FailureMode, tuple[RepairKind, ...]] = {
    ProgramModes.SYNTAX_ERROR: (Repairs.EDIT_CODE, Repairs.RESAMPLE),
    ProgramModes.WRONG_NAME: (Repairs.EDIT_CODE, Repairs.RESAMPLE),
    ProgramModes.RUNTIME_ERROR: (Repairs.EDIT_CODE, Repairs.EDIT_TESTS, Repairs.RESAMPLE),
    ProgramModes.TIMEOUT: (Repairs.EDIT_CODE, Repairs.EDIT_TESTS, Repairs.RESAMPLE),
    ProgramModes.TEST_FAILED: (Repairs.EDIT_CODE, Repairs.EDIT_TESTS, Repairs.RESAMPLE),
    ProgramModes.TESTS_BROKEN: (Repairs.EDIT_TESTS, Repairs.RESAMPLE),
    ProgramModes.TESTS_TOO_WEAK: (Repairs.EDIT_TESTS, Repairs.RESAMPLE),
    ProgramModes.TOO_SIMPLE: (Repairs.REGENERATE_QUESTION, Repairs.RESAMPLE),
}
"""The modes that a gate of form `tests` brings, each with its repairs, best first."""


CodeHalf = Literal["answer", "tests"]
"""What an error is in."""


class CodeLimits(Struct, frozen=True):
    """What program and tests may each take. Each bound is a key of a gate of form `tests`."""

    cpu_s: Annotated[float, Meta(gt=0)] = 2.0
    """Processor time."""
    memory_mib: Annotated[int, Meta(ge=64)] = 256


class CodePassed(Struct, frozen=True, tag="passed"):
    """The tests came to their end."""


class CodeFailed(Struct, frozen=True, tag="failed", omit_defaults=True):
    """A test failed, or program or tests could not be run. `message`: in Python's words, or ours where a limit ended
    it."""

    mode: FailureMode
    message: str
    half: CodeHalf = "answer"
    """Where the line is."""
    line: int | None = None
    """Where it fails, from 1, if that is known."""


CodeOutcome = CodePassed | CodeFailed


class Mutant(Struct, frozen=True):
    """A small change of a program: `text` stands in place of its characters from `start` to `end`."""

    start: int
    end: int
    text: str

    def of(self, program: str) -> str:
        """The program with the change."""
        return program[: self.start] + self.text + program[self.end :]

    def line(self, program: str) -> int:
        """Where it begins, from 1."""
        return program.count("\n", 0, self.start) + 1


class CodeExecution(Struct, frozen=True, omit_defaults=True):
    """A program with its tests and their outcome: all that is needed to execute both again."""

    program: str
    tests: str
    outcome: CodeOutcome
    limits: CodeLimits
    sandbox: Isolation
    output: str = ""
    """The end of what both wrote."""
    killed: tuple[Mutant, ...] = ()
    """Mutants that the tests told from the program."""
    survived: tuple[Mutant, ...] = ()
    """Mutants that pass the tests as well."""
    hidden: bool = False
    """The tests are the problem's own: no prompt and no chat may show anything of them."""
