"""One way to call our own actors and wait for the answer. Law: one that is being made again is waited for, one that is
gone is an error, and what the user can mend arrives as itself and not in Ray's wrapping."""

import time
from collections.abc import Iterable
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayTaskError

from schemas.errors import UserError, innermost

PAUSE_S = 0.1


def ask(method: Any, *arguments: Any) -> Any:
    """The answer of an actor that may be made again meanwhile, so only for what may be asked twice.

    Waits as long as the actor lives, however long (a full queue makes the reader wait, a queue that is made again reads
    its whole ledger first). That ends: Ray makes an actor again a bounded number of times, and then says that it is
    gone. Raises RayActorError then, and what the actor raised.
    """
    (answer,) = ask_each([method], *arguments)
    return answer


def ask_each(methods: Iterable[Any], *arguments: Any) -> list[Any]:
    """The same of several actors at the same time; an answer each, in order."""
    asked = [(method, method.remote(*arguments)) for method in methods]
    return [_answer(method, promise, arguments) for method, promise in asked]


def _answer(method: Any, promise: Any, arguments: tuple[Any, ...]) -> Any:
    while True:
        try:
            return ray.get(promise)
        except RayTaskError as error:
            raise told(error) from error
        except ActorUnavailableError:
            time.sleep(PAUSE_S)
            promise = method.remote(*arguments)


def told(error: RayTaskError) -> BaseException:
    """The user's mistake as itself, one in a group too; anything else with the traceback of where it happened."""
    cause = innermost(error.cause)
    return cause if isinstance(cause, UserError) else error
