"""Our own actors, asked while they are killed: on a real Ray."""

import os
import signal
import threading
import time

import pytest
import ray
from ray.exceptions import ActorDiedError

from deployments.ray.calls import ask
from schemas.errors import OutputError

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]


class Patient:
    """Answers at once, late, or with the user's mistake."""

    def pid(self) -> int:
        return os.getpid()

    def late(self, seconds: float) -> int:
        time.sleep(seconds)
        return os.getpid()

    def mistake(self) -> None:
        raise OutputError("the disk is full")


def kill_soon(pid: int) -> None:
    """While a call waits there."""
    threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()


def test_a_restarted_actor_is_asked_again() -> None:
    """kill -9 under a call that waits: it is asked again and answers from another process."""
    actor = ray.remote(num_cpus=0, max_restarts=1)(Patient).remote()
    first = ask(actor.pid)
    kill_soon(first)
    assert ask(actor.late, 2.0) != first


def test_an_actor_that_is_gone_is_an_error() -> None:
    """Its restarts are used up: the caller gets an error and does not wait for ever."""
    actor = ray.remote(num_cpus=0, max_restarts=0)(Patient).remote()
    kill_soon(ask(actor.pid))
    with pytest.raises(ActorDiedError):
        ask(actor.late, 60.0)


def test_the_users_mistake_arrives_as_itself() -> None:
    """Not in Ray's wrapping, which would hide the one line that says what to do."""
    actor = ray.remote(num_cpus=0)(Patient).remote()
    with pytest.raises(OutputError, match="the disk is full"):
        ask(actor.mistake)
