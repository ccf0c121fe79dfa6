"""Turns Ray's errors into ours. It loads nothing of Serve, which takes a second: queue, reader and writer need none of
it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import DecodeError
from ray.exceptions import NodeDiedError, OutOfMemoryError, RayActorError, RayError, RayTaskError, WorkerCrashedError

from schemas.errors import ErrorKind, HopError, described

_PLACE = re.compile(r'File "(?:[^"]*/)?([^"/]+)", line (\d+)')


@contextmanager
def ray_boundary() -> Iterator[None]:
    """For a call of an actor. Raises HopError for anything that kept the actor from answering."""
    try:
        yield
    except (RayActorError, WorkerCrashedError, NodeDiedError, OutOfMemoryError) as error:
        raise HopError(ErrorKind.CRASHED, error_line(error)) from error
    except RayError as error:
        raise HopError(ErrorKind.RETRYABLE, error_line(error)) from error
    except DecodeError as error:
        raise HopError(ErrorKind.RETRYABLE, f"a reply could not be decoded: {error}") from error


def error_line(error: Exception) -> str:
    """The error in one line. An error of another process is given as it was raised there, with file and line."""
    if isinstance(error, RayTaskError):
        return _task_error_line(error)
    first_line = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first_line}"[:300]


def _task_error_line(error: RayTaskError) -> str:
    """The line of a task's error. Its cause comes without a traceback: the place is the last one in the error's own
    text. An error that Ray made a subclass of its cause's type holds no other trace."""
    places = _PLACE.findall(str(error))
    place = f" ({places[-1][0]}:{places[-1][1]})" if places else ""
    return f"{described(error.cause)}{place}"
