"""The errors of the project, named after the boundary that was crossed. All are picklable; a `Failure` is an error of a
call as a message."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import Enum

from msgspec import Struct

from schemas.samples import Heard


class ErrorKind(Enum):
    """The kind of an error says what may be done about it."""

    OVERLOADED = "overloaded"
    """The other side asks the caller to wait (429, a full queue): try again after its delay."""
    RETRYABLE = "retryable"
    """A fault that may pass (5xx, a time-out, a broken body)."""
    CRASHED = "crashed"
    """The replica died while it held the request: the request is a suspect from now on."""
    PERMANENT = "permanent"
    """The same request will fail again, by its own fault (a prompt too long, moderated)."""
    REFUSED = "refused"
    """The other side refuses a key, model, parameter or role, or replies in an unknown form, or there is a bug. If
    other requests meet it too, the whole pool is at fault; `actors.calls.health` finds out."""
    NONSENSE = "nonsense"
    """A model answered, but not in the form asked for: another draw may be better."""


class Failure(Struct, frozen=True, omit_defaults=True, tag="failure"):
    """An error of a call as a message: it crosses processes in place of an exception."""

    request_id: str
    kind: ErrorKind
    detail: str
    retry_after_s: float | None = None
    heard: Heard | None = None


class GleanerError(Exception):
    """Base of all errors that this project raises on purpose."""


class UserError(GleanerError):
    """The user's mistake: one clear line (what, where, what to do), exit code 2, no traceback."""


class ConfigError(UserError):
    """A configuration that cannot be run."""


class CorpusError(UserError):
    """A corpus that cannot be opened at all (a bad document inside one is data, not an error)."""


class ModelError(UserError):
    """A model or tokenizer that does not exist or does not fit its role."""


class NoPoolError(UserError):
    """A task asks a pool that the run does not have: no order is at fault, and none may be charged for it."""


class OutputError(UserError):
    """An output folder that cannot be used: another run's, locked, full or read-only."""


class HeldError(OutputError):
    """Another process holds the folder."""


class StoreError(OutputError):
    """An object store that cannot be used for a run's output: its address, its key, what it holds or lacks."""


class PoolAwayError(GleanerError):
    """A pool or gate that every order needs answered nothing for `conductors.outage_s`. The run stops with its orders
    outstanding; the same command resumes it when the pool is back. Exit code 3.

    `state`: the value of a `schemas.stages.PauseKind`; `since`: seconds since the epoch; `why`: the error, with the
    address.
    """

    def __init__(self, pool: str, state: str, since: float, why: str) -> None:
        super().__init__(pool, state, since, why)
        self.pool = pool
        self.state = state
        self.since = since
        self.why = why

    def __str__(self) -> str:
        told = {"refused": "refuses every call", "overloaded": "answers nothing and asks to wait"}
        since = datetime.fromtimestamp(self.since).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return f"{self.pool} {told.get(self.state, 'does not answer')}, since {since}: {self.why}"


class HubAwayError(GleanerError):
    """The Hugging Face Hub cannot be reached, or fails itself. One line and exit code 3: the Hub keeps what it was
    sent, and the same command goes on."""


class StoreAwayError(GleanerError):
    """The object store of the run's output cannot be reached, or fails itself. One line and exit code 3: what it has
    stays, and the same command goes on."""


class ClusterError(GleanerError):
    """The Ray under the run is gone. One line and exit code 1: records are kept, and the same command resumes."""


class SandboxError(GleanerError):
    """A program could not be run, and it is not at fault: nothing is known of it, and it may be tried again."""


class LedgerError(GleanerError):
    """The ledger is damaged, or a record of it asks for an impossible move."""


class HopError(GleanerError):
    """A call to an engine or a gate failed. The conductor alone retries it, within limits."""

    def __init__(
        self, kind: ErrorKind, detail: str, retry_after_s: float | None = None, heard: Heard | None = None
    ) -> None:
        super().__init__(kind, detail, retry_after_s, heard)
        self.kind = kind
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.heard = heard

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.detail}"


class EngineError(HopError):
    """An engine could not answer."""


class JudgeError(HopError):
    """A gate's model gave no verdict: its answer cannot be read, or there was none."""


LONGEST_WORDS = 500
"""Characters of an error's description: its message may quote a whole reply."""


def innermost(error: BaseException) -> BaseException:
    """The error itself. Of a group, even a nested one: the first GleanerError, or else the first error. The group that
    `asyncio.TaskGroup` raises says nothing itself."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    found = [innermost(each) for each in error.exceptions]
    return next((each for each in found if isinstance(each, GleanerError)), found[0])


def kind_of_bug(error: BaseException) -> ErrorKind:
    """The kind of an error that was not translated into ours: faults of machine or network may pass, others are bugs.

    A bug is REFUSED and not PERMANENT. A custom engine's `KeyError` may come from one odd reply of its server: a
    request that meets it alone is tried again. If every request meets it, the pool is at fault: its next trial shows.
    """
    passes = isinstance(innermost(error), OSError | MemoryError)
    return ErrorKind.RETRYABLE if passes else ErrorKind.REFUSED


@contextmanager
def ungrouped() -> Iterator[None]:
    """Use it around code that may raise a group of errors: it raises `innermost` of the group instead."""
    try:
        yield
    except ExceptionGroup as group:
        raise innermost(group) from group


def described(error: BaseException) -> str:
    """An error in one line: type and message of the innermost error, and the file and line that raised it."""
    found = innermost(error)
    place = ""
    if frames := traceback.extract_tb(found.__traceback__):
        place = f" ({frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno})"
    message = " ".join(str(found).split()) or "no message"
    return f"{type(found).__name__}: {message}"[:LONGEST_WORDS] + place


_DEPTH = 12
"""Causes that are looked through: more than libraries nest, and an end where two errors name each other."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it was raised from or while."""
    cause: BaseException | None = error
    for _ in range(_DEPTH):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
