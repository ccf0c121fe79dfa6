"""One way to call our own actors and wait for the answer. Law: a call to an actor that is being restarted waits. A call
to an actor that is gone raises. A user's error arrives as itself and not in Ray's wrapping."""

import time
from collections.abc import Iterable
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayTaskError

from schemas.errors import UserError, innermost

PAUSE_S = 0.1


def ask(method: Any, *arguments: Any) -> Any:
    """The answer of an actor that may be restarted meanwhile, so only for calls that may be made twice.

    Waits as long as the actor lives (a full queue makes the reader wait; a restarted queue first reads its whole
    ledger). The wait ends: Ray restarts an actor a bounded number of times and then says that it is gone. Then it
    raises RayActorError. It also raises the actor's own errors.
    """
    (answer,) = ask_each([method], *arguments)
    return answer


def ask_each(methods: Iterable[Any], *arguments: Any) -> list[Any]:
    """Asks several actors at the same time. Gives their answers in order."""
    asked = [(method, method.remote(*arguments)) for method in methods]
    return [_answer(method, promise, arguments) for method, promise in asked]


def _answer(method: Any, promise: Any, arguments: tuple[Any, ...]) -> Any:
    while True:
        try:
            return ray.get(promise)
        except RayTaskError as error:
            raise unwrapped(error) from error
        except ActorUnavailableError:
            time.sleep(PAUSE_S)
            promise = method.remote(*arguments)


def unwrapped(error: RayTaskError) -> BaseException:
    """A user's error as itself, even from a group; any other error with the traceback of its place."""
    cause = innermost(error.cause)
    return cause if isinstance(cause, UserError) else error
