"""Requests are gathered into messages; each caller gets its own reply, or one error of ours."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from ray.exceptions import RayActorError

from deployments.ray.handles import BatchedCalls, BatchLimits, PoolHandle
from deployments.serve.replica import Health, Stalled, answer_each
from schemas.errors import EngineError, ErrorKind, Failure, HopError
from schemas.samples import Completion, FinishReason, GenerationRequest, Lane, Message, Sampling
from schemas.wire import GENERATION_REPLIES, GENERATION_REQUESTS, Generated
from tests.doubles.engines import InstantEngine, InstantOptions


def request(name: str, lane: Lane = Lane.SHARED) -> GenerationRequest:
    return GenerationRequest(id=name, messages=(Message("user", f"about {name}"),), sampling=Sampling(), lane=lane)


def healthy() -> Health:
    return Health(InstantEngine(InstantOptions()), stall_s=60)


class Replica:
    """What a Serve replica does, without Serve: decodes, answers each, encodes."""

    def __init__(self) -> None:
        self.engine = InstantEngine(InstantOptions())
        self.messages: list[int] = []

    async def __call__(self, data: bytes) -> AsyncIterator[bytes]:
        requests = GENERATION_REQUESTS.decode(data)
        self.messages.append(len(requests))
        async for replies in answer_each(requests, self.complete, healthy()):
            yield GENERATION_REPLIES.encode(replies)

    async def complete(self, asked: GenerationRequest) -> Generated:
        if asked.id.startswith("bad"):
            raise EngineError(ErrorKind.OVERLOADED, "busy", retry_after_s=2)
        return Generated(await self.engine.generate(asked))


async def first(pool: PoolHandle, name: str, lane: Lane = Lane.SHARED) -> Completion:
    return await pool.generate(request(name, lane))


def said(asked: GenerationRequest) -> Generated:
    return Generated(Completion(asked.id, "Well.", FinishReason.STOP, 1, 1))


def reply_id(reply: Generated | Failure) -> str:
    return reply.request_id if isinstance(reply, Failure) else reply.completion.request_id


async def test_requests_of_one_moment_share_messages_and_get_their_own_replies() -> None:
    """A hundred samples ask at once: two messages go out, a hundred different answers come back."""
    replica = Replica()
    pool = PoolHandle(replica, BatchLimits(size=64, linger_s=0.01))
    completions = await asyncio.gather(*(first(pool, f"r{number}") for number in range(100)))
    assert [completion.request_id for completion in completions] == [f"r{number}" for number in range(100)]
    assert replica.messages == [64, 36]


async def test_one_failure_is_its_own_callers_alone() -> None:
    """One prompt of a batch is refused: the others have their answers, its caller the error with its delay."""
    pool = PoolHandle(Replica(), BatchLimits())
    results = await asyncio.gather(first(pool, "a"), first(pool, "bad"), first(pool, "b"), return_exceptions=True)
    assert isinstance(results[0], Completion)
    assert isinstance(results[2], Completion)
    failed = results[1]
    assert isinstance(failed, HopError)
    assert (failed.kind, failed.retry_after_s) == (ErrorKind.OVERLOADED, 2)


async def test_a_dead_replica_fails_only_those_still_waiting() -> None:
    """The replica dies after its first reply: that one is kept, the rest may be retried."""

    async def dies(data: bytes) -> AsyncIterator[bytes]:
        one = GENERATION_REQUESTS.decode(data)[0]
        yield GENERATION_REPLIES.encode([said(one)])
        raise RayActorError()

    calls: BatchedCalls[GenerationRequest, Generated | Failure] = BatchedCalls(
        dies, GENERATION_REQUESTS.encode, GENERATION_REPLIES.decode, reply_id=reply_id,
        limits=BatchLimits(),
    )  # fmt: skip
    results = await asyncio.gather(calls.ask("a", request("a")), calls.ask("b", request("b")), return_exceptions=True)
    assert isinstance(results[0], Generated)
    failed = results[1]
    assert isinstance(failed, HopError)
    assert failed.kind is ErrorKind.CRASHED


async def test_a_stream_that_ends_early_is_an_error_not_a_silence() -> None:
    """A reply is missing at the end of the stream: its caller gets an error."""

    async def silent(data: bytes) -> AsyncIterator[bytes]:
        yield GENERATION_REPLIES.encode([])

    with pytest.raises(HopError, match="ended before"):
        await first(PoolHandle(silent, BatchLimits()), "a")


async def test_foreign_bytes_are_an_error() -> None:
    """Whatever comes back that is no reply of ours is refused by the decoder."""

    async def foreign(data: bytes) -> AsyncIterator[bytes]:
        yield b"\x93\x01\x02\x03"

    with pytest.raises(HopError, match="could not be decoded"):
        await first(PoolHandle(foreign, BatchLimits()), "a")


async def test_a_short_request_does_not_wait_for_a_long_one() -> None:
    """Two requests in one message, one of them slow: the quick one's caller continues at once."""
    slow = asyncio.Event()

    async def complete(asked: GenerationRequest) -> Generated:
        if asked.id == "slow":
            await slow.wait()
        return said(asked)

    async def replica(data: bytes) -> AsyncIterator[bytes]:
        async for replies in answer_each(GENERATION_REQUESTS.decode(data), complete, healthy()):
            yield GENERATION_REPLIES.encode(replies)

    calls: BatchedCalls[GenerationRequest, Generated | Failure] = BatchedCalls(
        replica, GENERATION_REQUESTS.encode, GENERATION_REPLIES.decode, reply_id=reply_id,
        limits=BatchLimits(),
    )  # fmt: skip
    long = asyncio.ensure_future(calls.ask("slow", request("slow")))
    quick = await asyncio.wait_for(calls.ask("quick", request("quick")), timeout=5)
    assert isinstance(quick, Generated)
    assert not long.done()
    slow.set()
    assert isinstance(await long, Generated)


async def test_leaving_a_batch_cancels_what_is_still_running() -> None:
    """The caller of a stream goes away: the replica's work for it ends, no task is left behind."""
    cancelled: list[str] = []

    async def forever(asked: GenerationRequest) -> Generated:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(asked.id)
            raise
        raise AssertionError

    stream = answer_each([request("a"), request("b")], forever, healthy())
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert sorted(cancelled) == ["a", "b"]


async def test_a_bug_in_one_request_is_reported_as_its_reply(caplog: pytest.LogCaptureFixture) -> None:
    """Our own mistake on one request: logged with its traceback, the others answered."""

    async def buggy(asked: GenerationRequest) -> Generated:
        if asked.id == "b":
            raise ZeroDivisionError("oops")
        return said(asked)

    replies: list[Generated | Failure] = []
    requests: Sequence[GenerationRequest] = [request("a"), request("b")]
    async for some in answer_each(requests, buggy, healthy()):
        replies.extend(some)
    assert {type(reply).__name__ for reply in replies} == {"Generated", "Failure"}
    assert "oops" in caplog.text


async def test_suspects_travel_in_less_company() -> None:
    """Twenty requests were with a dead replica: eight to a message, then each alone, one message at a time."""
    replica = Replica()
    pool = PoolHandle(replica, BatchLimits())
    await asyncio.gather(*(first(pool, f"few{number}", Lane.FEW) for number in range(20)))
    assert replica.messages == [8, 8, 4]
    await asyncio.gather(*(first(pool, f"alone{number}", Lane.ALONE) for number in range(3)))
    assert replica.messages == [8, 8, 4, 1, 1, 1]


async def test_a_replica_is_well_as_long_as_something_is_finished() -> None:
    """Idle for an hour is well; a minute with requests in hand and none finished is not; one reply makes it well."""
    now, leave = 0.0, asyncio.Event()
    health = Health(InstantEngine(InstantOptions()), stall_s=60, clock=lambda: now)

    async def answer(asked: GenerationRequest) -> Generated:
        if asked.id == "hangs":
            await leave.wait()
        return said(asked)

    async def drain(*names: str) -> None:
        async for _ in answer_each([request(name) for name in names], answer, health):
            pass

    now = 3600.0
    await health.check()
    hanging = asyncio.ensure_future(drain("hangs"))
    for _ in range(3):
        await asyncio.sleep(0)
    now += 59
    await health.check()
    now += 2
    with pytest.raises(Stalled, match="1 requests in hand, none finished in 61 s"):
        await health.check()
    await drain("quick")
    await health.check()
    leave.set()
    await hanging
