"""Where Ray's errors become ours. Loads nothing of Serve: the queue, the reader and the writer need none of it, and it
takes a second."""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import DecodeError
from ray.exceptions import NodeDiedError, OutOfMemoryError, RayActorError, RayError, WorkerCrashedError

from schemas.errors import ErrorKind, HopError


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
    """The error in one line."""
    first_line = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first_line}"[:300]
