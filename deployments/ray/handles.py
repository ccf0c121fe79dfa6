"""The actors' protocols over Ray: requests are collected for a moment into one message, replies stream back one by one.

Law: every caller gets one reply or one HopError; no other error of Ray leaves this file. Nothing is retried here.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Generic, TypeVar

from msgspec import Struct
from ray.serve.exceptions import BackPressureError, RayServeException

from deployments.ray.boundary import error_line, ray_boundary
from schemas.errors import ErrorKind, Failure, HopError, described, kind_of_bug
from schemas.orders import Holding, Lease, Outcome, Settlement
from schemas.samples import Completion, GenerationRequest, Lane
from schemas.vectors import Embedded, EmbeddingRequest
from schemas.verdicts import GateRequest, Verdict
from schemas.wire import (
    EMBEDDING_REPLIES,
    EMBEDDING_REQUESTS,
    GATE_REPLIES,
    GATE_REQUESTS,
    GENERATION_REPLIES,
    GENERATION_REQUESTS,
    LEASES,
    OUTCOMES,
    SETTLEMENTS,
    Codec,
    EmbeddingReply,
    Gated,
    Generated,
)

log = logging.getLogger("gleaner.handles")
Q = TypeVar("Q")
R = TypeVar("R")
Send = Callable[[bytes], AsyncIterator[bytes]]


class BatchLimits(Struct, frozen=True):
    """A message is sent when it holds `size` requests or its first one is `linger_s` old. At most `messages` of them
    are under way at once (None: no limit here)."""

    size: int = 128
    linger_s: float = 0.005
    messages: int | None = None


SUSPECTS = {Lane.FEW: BatchLimits(size=8, messages=4), Lane.ALONE: BatchLimits(size=1, messages=1)}
"""How requests travel that a dead replica held: in small messages or alone, so that the one that kills it is found."""


@contextmanager
def serve_boundary() -> Iterator[None]:
    """Turns Serve's errors into ours: an overloaded replica asks to wait; a dead one makes its requests suspects."""
    try:
        with ray_boundary():
            yield
    except BackPressureError as error:
        raise HopError(ErrorKind.OVERLOADED, "the pool's queue is full", retry_after_s=0.5) from error
    except RayServeException as error:
        raise HopError(ErrorKind.RETRYABLE, error_line(error)) from error


class BatchedCalls(Generic[Q, R]):
    """Collects requests into messages, and gives each caller its own reply as soon as it comes."""

    def __init__(
        self, send: Send, encode: Callable[[Sequence[Q]], bytes], decode: Callable[[bytes], Sequence[R]],
        *, reply_id: Callable[[R], str], limits: BatchLimits,
    ) -> None:  # fmt: skip
        self._send = send
        self._encode = encode
        self._decode = decode
        self._reply_id = reply_id
        self._limits = limits
        self._gathering: dict[str, tuple[Q, asyncio.Future[R]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._room = nullcontext() if limits.messages is None else asyncio.Semaphore(limits.messages)

    async def ask(self, key: str, request: Q) -> R:
        """The reply to the request with this key, which is unique among those under way. Raises HopError."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        if key in self._gathering:
            self._flush()
        self._gathering[key] = (request, future)
        if len(self._gathering) >= self._limits.size:
            self._flush()
        elif self._timer is None:
            self._timer = loop.call_later(self._limits.linger_s, self._flush)
        return await future

    async def close(self) -> None:
        """Cancels all calls under way. Their callers get a HopError."""
        self._flush()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._gathering:
            return
        batch, self._gathering = self._gathering, {}
        call = asyncio.get_running_loop().create_task(self._call(batch))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _call(self, batch: dict[str, tuple[Q, asyncio.Future[R]]]) -> None:
        waiting = {key: future for key, (_, future) in batch.items()}
        error = HopError(ErrorKind.RETRYABLE, "the stream ended before this reply")
        try:
            async with self._room:
                wanted = [request for request, future in batch.values() if not future.done()]
                if not wanted:
                    return
                with serve_boundary():
                    async for data in self._send(self._encode(wanted)):
                        self._answer(data, waiting)
        except HopError as failed:
            error = failed
        except Exception as bug:  # no code awaits this task, so its error goes to all callers of the message
            log.exception("a message failed on its way", extra={"requests": len(batch)})
            error = HopError(kind_of_bug(bug), described(bug))
        finally:
            for future in waiting.values():
                if not future.done():
                    future.set_exception(HopError(error.kind, error.detail, error.retry_after_s))

    def _answer(self, data: bytes, waiting: dict[str, asyncio.Future[R]]) -> None:
        for reply in self._decode(data):
            future = waiting.pop(self._reply_id(reply), None)
            if future is not None and not future.done():
                future.set_result(reply)


def lanes(shared: BatchLimits, calls: Callable[[BatchLimits], BatchedCalls[Q, R]]) -> dict[Lane, BatchedCalls[Q, R]]:
    """The same calls for each lane, since a request may travel with many others, few others or alone."""
    return {Lane.SHARED: calls(shared)} | {lane: calls(limits) for lane, limits in SUSPECTS.items()}


def streaming(handle: Any, method: str) -> Send:
    """A Serve deployment's streaming method as `Send`. It is looked up at the first call: Serve's router then runs in
    the caller's loop."""
    bound: list[Any] = []

    async def send(data: bytes) -> AsyncIterator[bytes]:
        if not bound:
            bound.append(getattr(handle.options(stream=True), method))
        async for message in bound[0].remote(data):
            yield message

    return send


def unary(method: Any) -> Send:
    """A Ray actor's method as `Send`, with one message back."""

    async def send(data: bytes) -> AsyncIterator[bytes]:
        yield await method.remote(data)

    return send


def _unless_failed(reply: R | Failure) -> R:
    if isinstance(reply, Failure):
        raise HopError(reply.kind, reply.detail, reply.retry_after_s, reply.heard)
    return reply


class PoolHandle:
    """A generator pool behind Serve, as `actors.protocols.Generator`."""

    def __init__(self, send: Send, limits: BatchLimits) -> None:
        self._lanes: dict[Lane, BatchedCalls[GenerationRequest, Generated | Failure]] = lanes(
            limits,
            lambda limits: BatchedCalls(
                send, GENERATION_REQUESTS.encode, GENERATION_REPLIES.decode, reply_id=_request_id, limits=limits
            ),
        )

    async def generate(self, request: GenerationRequest) -> Completion:
        return _unless_failed(await self._lanes[request.lane].ask(request.id, request)).completion


class GateHandle:
    """A gate behind Serve, as `actors.protocols.Gate`."""

    def __init__(self, send: Send, limits: BatchLimits) -> None:
        self._lanes: dict[Lane, BatchedCalls[GateRequest, Gated | Failure]] = lanes(
            limits,
            lambda limits: BatchedCalls(
                send, GATE_REQUESTS.encode, GATE_REPLIES.decode, reply_id=_gated_id, limits=limits
            ),
        )

    async def check(self, request: GateRequest) -> Verdict:
        return _unless_failed(await self._lanes[request.lane].ask(request.id, request)).reply.verdict


class EmbedderHandle:
    """The embedder behind Serve, as `actors.protocols.Embedder`."""

    def __init__(self, send: Send, limits: BatchLimits) -> None:
        self._lanes: dict[Lane, BatchedCalls[EmbeddingRequest, EmbeddingReply | Failure]] = lanes(
            limits,
            lambda limits: BatchedCalls(
                send, EMBEDDING_REQUESTS.encode, EMBEDDING_REPLIES.decode, reply_id=lambda reply: reply.request_id,
                limits=limits,
            ),
        )  # fmt: skip

    async def embed(self, request: EmbeddingRequest) -> Embedded:
        return _unless_failed(await self._lanes[request.lane].ask(request.id, request)).embedded


class QueueHandle:
    """The queue actor, as `actors.protocols.Orders`.

    Law: a lease is valid in the life of the queue that gave it, and in the next one if `join` reported it there. A
    lease whose message was still under way at that time is dropped: the next life does not know it and may lease it
    again.
    """

    def __init__(self, queue: Any, limits: BatchLimits) -> None:
        self._queue = queue
        self._life: str | None = None
        """The life whose leases are valid: the first that answers; "" (none) while a restarted queue is joined."""
        self._settling: BatchedCalls[Outcome, Settlement] = BatchedCalls(
            unary(self._queue.settle), OUTCOMES.encode, SETTLEMENTS.decode, reply_id=lambda reply: reply.order_id,
            limits=limits,
        )  # fmt: skip

    async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
        with ray_boundary():
            reply = await self._queue.lease.remote(conductor, limit)
            if reply is None:
                return None
            life, data = reply
            self._life = life if self._life is None else self._life
            return LEASES.decode(data) if life == self._life else []

    async def settle(self, outcome: Outcome) -> Settlement:
        return await self._settling.ask(outcome.order_id, outcome)

    async def join(self, conductor: str, holdings: Sequence[Holding]) -> None:
        self._life = ""
        with ray_boundary():
            self._life = await self._queue.join.remote(conductor, holdings)


def _request_id(reply: Generated | Failure) -> str:
    return reply.request_id if isinstance(reply, Failure) else reply.completion.request_id


def _gated_id(reply: Gated | Failure) -> str:
    return reply.request_id if isinstance(reply, Failure) else reply.reply.request_id


__all__ = [
    "BatchLimits",
    "BatchedCalls",
    "Codec",
    "EmbedderHandle",
    "GateHandle",
    "PoolHandle",
    "QueueHandle",
    "serve_boundary",
    "streaming",
]
