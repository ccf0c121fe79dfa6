"""Groups of errors are unwrapped wherever an error is shown: type, message, file and line of what really happened."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ray.exceptions import RayTaskError

from deployments.ray.boundary import error_line, ray_boundary
from deployments.ray.calls import unwrapped
from deployments.ray.handles import BatchedCalls, BatchLimits
from deployments.serve.replica import Health, _reply, answer_each
from deployments.terminal.boundary import boundary
from schemas.errors import ConfigError, EngineError, ErrorKind, HopError, described, innermost
from tests.doubles.engines import InstantEngine, InstantOptions

HERE = Path(__file__).name


class Asked:
    """A request with an id."""

    id = "ab12:2"


async def wrong_keyword() -> None:
    """As in a user's own engine: a call with a keyword that the library does not know."""
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0.001, nonsense=True))  # type: ignore[call-arg]


async def in_a_group(error: Exception) -> None:
    """The error, raised in a task of a group of groups."""

    async def fail() -> None:
        raise error

    async with asyncio.TaskGroup() as outer, asyncio.TaskGroup() as inner:
        inner.create_task(fail())
        outer.create_task(asyncio.sleep(0))


async def group_of(error: Exception) -> ExceptionGroup:
    with pytest.raises(ExceptionGroup) as raised:
        await in_a_group(error)
    return raised.value


async def test_a_bug_of_an_engine_is_shown_with_its_file_and_line() -> None:
    """Somebody's classify() has a wrong keyword: the order's dead letter names it, and where it stands."""
    with pytest.raises((ExceptionGroup, TypeError)) as raised:
        await wrong_keyword()
    words = described(raised.value)
    assert words.startswith("TypeError: sleep() got an unexpected keyword argument 'nonsense'")
    assert f"({HERE}:" in words and "TaskGroup" not in words

    async def answer(request: Asked) -> Asked:
        await wrong_keyword()
        return request

    reply = await _reply(Asked(), answer)
    assert not isinstance(reply, Asked) and "nonsense" in reply.detail and HERE in reply.detail


async def test_an_engines_own_error_keeps_its_kind_in_a_group() -> None:
    """An engine that asks two servers at once: what one of them refuses is a refusal still."""

    async def answer(request: Asked) -> Asked:
        await in_a_group(EngineError(ErrorKind.OVERLOADED, "full", 3.0))
        return request

    reply = await _reply(Asked(), answer)
    assert not isinstance(reply, Asked)
    assert (reply.kind, reply.detail, reply.retry_after_s) == (ErrorKind.OVERLOADED, "full", 3.0)


async def test_a_mistake_of_the_user_in_a_group_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A preview runs in a group of tasks: a wrong key there is still a mistake, exit code 2, no traceback."""
    group = await group_of(ConfigError("pools.generator: no such model"))
    with pytest.raises(BaseException, match=r"^2$"), boundary():
        raise group
    page = "docs/models.md#which-model-for-which-role"
    assert capsys.readouterr().err == f"gleaner: error: pools.generator: no such model ({page})\n"


async def test_a_bug_of_ours_in_a_group_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The last line says what happened, the traceback above it where."""
    group = await group_of(RuntimeError("boom"))
    with pytest.raises(BaseException, match=r"^1$"), boundary():
        raise group
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("gleaner: failed: RuntimeError: boom (test_boundary.py:")


async def as_ray_brings_it(error: Exception) -> RayTaskError:
    """An actor raised the error in a group: its cause is a copy without a traceback, whose text comes beside it."""
    group = await group_of(error)
    trace = 'Traceback (most recent call last):\n  | File "/a/engine.py", line 12, in classify\n  | ValueError: x\n'
    copy = pickle.loads(pickle.dumps(group))
    return RayTaskError("ConductorShell.run", trace, copy)


async def test_an_actors_error_is_shown_with_its_own_file() -> None:
    """Ray's first line names the actor's method; a person needs the engine's."""
    error = await as_ray_brings_it(ValueError("seven"))
    assert error_line(error) == "ValueError: seven (engine.py:12)"
    with pytest.raises(HopError, match="ValueError: seven"), ray_boundary():
        raise error
    mistake = unwrapped(await as_ray_brings_it(ConfigError("no such model")))
    assert isinstance(mistake, ConfigError)


def test_a_group_of_one_kind_is_its_first() -> None:
    """Fifty tasks fail in the same way: one error is shown."""
    first, second = ValueError("first"), KeyError("second")
    assert innermost(ExceptionGroup("two", [ExceptionGroup("in", [first]), second])) is first
    assert described(first) == "ValueError: first"


def test_of_several_errors_one_of_ours_is_shown() -> None:
    """A refused model and a bug that follows from it: the mistake is what can be mended."""
    mistake = ConfigError("no such model")
    assert innermost(ExceptionGroup("two", [ValueError("x"), ExceptionGroup("in", [mistake])])) is mistake


async def test_a_message_that_fails_on_its_way_raises_for_all_its_callers() -> None:
    """Our own decoder fails on a reply: no code awaits the message's task, so its callers must get the error."""

    async def send(data: bytes) -> AsyncIterator[bytes]:
        yield data

    def decode(data: bytes) -> list[str]:
        raise RuntimeError(f"no reply of ours: {data.decode()}")

    calls: BatchedCalls[str, str] = BatchedCalls(
        send, lambda asked: b"x", decode, reply_id=lambda reply: reply, limits=BatchLimits(linger_s=0.0)
    )
    with pytest.raises(HopError, match=r"RuntimeError: no reply of ours: x \(test_boundary.py"):
        await calls.ask("a", "a")


class Sick(Health):
    """A replica whose bookkeeping has a bug."""

    @contextmanager
    def one(self) -> Iterator[None]:
        raise RuntimeError("a bug in the books")
        yield


async def test_a_task_that_fails_ends_its_batch() -> None:
    """Earlier versions let the batch wait for a reply that never came."""

    async def answer(request: Asked) -> Asked:
        return request

    replies = answer_each([Asked()], answer, Sick(InstantEngine(InstantOptions()), stall_s=1.0))
    with pytest.raises(RuntimeError, match="a bug in the books"):
        await asyncio.wait_for(anext(replies), 5)


def test_an_error_with_its_causes_type_is_shown() -> None:
    """As `ray.get` raises it: of both types, and without what a task's error holds besides."""
    error = RayTaskError("run", f'Traceback:\n  File "/far/away/{HERE}", line 7, in run', ConfigError("no such key"))
    both = error.as_instanceof_cause()
    assert isinstance(both, ConfigError) and isinstance(both, RayTaskError)
    assert error_line(both) == f"ConfigError: no such key ({HERE}:7)"
    with pytest.raises(HopError, match="no such key"), ray_boundary():
        raise both
