"""Where Ray's errors become ours. Loads nothing of Serve: the queue, the reader and the writer need none of it, and it
takes a second."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import DecodeError
from ray.exceptions import NodeDiedError, OutOfMemoryError, RayActorError, RayError, RayTaskError, WorkerCrashedError

from schemas.errors import ErrorKind, HopError, described

_PLACE = re.compile(r'File "(?:[^"]*/)?([^"/]+)", line (\d+)')


@contextmanager
def ray_boundary() -> Iterator[None]:
    """Around a call of an actor. Raises HopError for whatever kept it from answering."""
    try:
        yield
    except (RayActorError, WorkerCrashedError, NodeDiedError, OutOfMemoryError) as error:
        raise HopError(ErrorKind.CRASHED, told(error)) from error
    except RayError as error:
        raise HopError(ErrorKind.RETRYABLE, told(error)) from error
    except DecodeError as error:
        raise HopError(ErrorKind.RETRYABLE, f"a reply could not be decoded: {error}") from error


def told(error: Exception) -> str:
    """The error in one line. What another process raised is told as it was raised there, with file and line."""
    if isinstance(error, RayTaskError):
        return _of_a_task(error)
    first_line = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first_line}"[:300]


def _of_a_task(error: RayTaskError) -> str:
    """Its cause came without a traceback; where it was raised stands last in the error's own text. One that Ray made
    of its cause's type too holds nothing else of a task's."""
    places = _PLACE.findall(str(error))
    place = f" ({places[-1][0]}:{places[-1][1]})" if places else ""
    return f"{described(error.cause)}{place}"
