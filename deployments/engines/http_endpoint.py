"""One HTTP endpoint, with limits of calls and time. Only here failures of HTTP become EngineErrors.

Law: a call is sent once: only the conductor retries. A key is sent in a header and shown in no message.
"""

import asyncio
import math
import resource
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import msgspec
from msgspec import Struct
from yarl import URL

from actors.calls.clocks import Clocks
from actors.calls.tuned_limit import ServerLoad, TunedLimit
from deployments.engines.http_errors import read_error, refusal
from deployments.engines.http_limit import CallEnd, HeldBack, Sent, ServerLimit
from deployments.engines.http_reply import ServerRefusal, UnknownForm
from deployments.engines.http_secrets import Redactor
from schemas.errors import EngineError, ErrorKind
from schemas.samples import Completion

T = TypeVar("T")

LONGEST_ERROR_BYTES = 64 * 1024
"""How much of an error's body is read."""
IDLE_S = 3.0
"""A connection that was idle longer is not used again: uvicorn, and so vLLM, closes it after 5 s, and a request sent at
that moment is lost."""
LONGEST_TOLD = 300
"""How many characters of a server's error are kept in ours."""


MOST_CALLS = 4096
"""The most calls at once of a limit that tunes itself, as of a configured one."""


def most_connections() -> int:
    """Calls at once for which this process may have open files: half of them, since it needs others too."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CALLS if soft == resource.RLIM_INFINITY else max(1, min(MOST_CALLS, soft // 2))


class EndpointLimits(Struct, frozen=True):
    """`concurrency`: calls at once, None: as many as the server is found to compute; `timeout_s`: the longest time from
    sending a call to the last byte of its reply."""

    concurrency: int | None
    timeout_s: float


class HttpCall(Struct, frozen=True):
    """A call (a GET if there is no body), the longest reply, and the number of tokens asked for."""

    url: URL
    most_bytes: int
    body: bytes | None = None
    headers: Mapping[str, str] | None = None
    max_tokens: int | None = None


class RefusedCall(EngineError):
    """The server's own error, with its HTTP status if it has one."""

    status: int | None = None


class Endpoint:
    """A server and the connections to it. Made on the event loop that uses it; `close` when done."""

    def __init__(
        self, name: str, limits: EndpointLimits, headers: Mapping[str, str], secrets: Sequence[str], clocks: Clocks
    ) -> None:
        self._name = name
        self._timeout_s = limits.timeout_s
        self._redacted = Redactor(secrets)
        self._clocks = clocks
        most = most_connections() if limits.concurrency is None else limits.concurrency
        self._limit = ServerLimit(most, TunedLimit(most) if limits.concurrency is None else None)
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._understood = False
        """Whether a reply was read: then a later unreadable reply is an accident, and not an unknown form."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=most + 1, keepalive_timeout=IDLE_S),
            timeout=aiohttp.ClientTimeout(total=limits.timeout_s),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Ends all connections; calls under way fail."""
        await self._session.close()

    async def call(self, call: HttpCall, read: Callable[[bytes], T]) -> T:
        """The reply as `read` returns it; `read` may raise ServerRefusal and UnknownForm. Raises EngineError."""
        sent = await self._admitted()
        try:
            return await self._answered(sent, call, read)
        except ServerRefusal as refused:
            raise self._refused(refused) from None

    async def _answered(self, sent: Sent, call: HttpCall, read: Callable[[bytes], T]) -> T:
        """The reply. Raises ServerRefusal, after the limit has taken it in."""
        end, wait_s, tokens = CallEnd.UNKNOWN, None, None
        try:
            result = read(await self._exchanged(call))
            end = CallEnd.ANSWERED
            tokens = result.completion_tokens if isinstance(result, Completion) else 0
            self._understood = self._understood or call.body is not None
            return result
        except ServerRefusal as refused:
            end, wait_s = refused.refusal.end, refused.retry_after_s
            raise
        except TimeoutError as error:
            raise self._error(ErrorKind.RETRYABLE, f"no answer within {self._timeout_s:g} s") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UnknownForm) as error:
            # before any reply was read, the server's form is unknown; afterwards it is an accident
            kind = ErrorKind.RETRYABLE if self._understood else ErrorKind.REFUSED
            raise self._error(kind, f"the reply cannot be read: {error}") from None
        except (aiohttp.ClientError, OSError) as error:
            # the cause is left out: it may quote what the server sent
            raise self._error(ErrorKind.RETRYABLE, f"{type(error).__name__}: {error}") from None
        finally:
            self._limit.settle(sent, end, self._clocks.monotonic(), wait_s, tokens=tokens)
            self._wake()

    @property
    def slots(self) -> int:
        """Calls that may be under way at once."""
        return self._limit.slots

    def told(self, load: ServerLoad) -> None:
        """What the server says of its load."""
        self._limit.told(load, self._clocks.monotonic())
        self._wake()

    async def look(self, url: URL, *, most_bytes: int, timeout_s: float) -> bytes | None:
        """A page beside the calls, which no limit holds back; None if there is none, or none in time."""
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self._session.get(url, allow_redirects=False, timeout=timeout) as response:
                body, whole = await _body(response, most_bytes)
                return body if response.status == HTTPStatus.OK and whole else None
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None

    def clean(self, text: str) -> str:
        """A server's text as people may see it: short, and without keys."""
        return self._redacted(text)[:LONGEST_TOLD]

    async def _exchanged(self, call: HttpCall) -> bytes:
        method = "GET" if call.body is None else "POST"
        async with self._session.request(
            method, call.url, data=call.body, headers=call.headers, allow_redirects=False
        ) as response:
            if 200 <= response.status < 300:
                reply, whole = await _body(response, call.most_bytes)
                if not whole:
                    raise UnknownForm(f"it is longer than {call.most_bytes} bytes")
                return reply
            reply, _ = await _body(response, LONGEST_ERROR_BYTES)
            refused = refusal(response.status, read_error(reply), max_tokens=call.max_tokens)
            waits = refused.kind in (ErrorKind.OVERLOADED, ErrorKind.RETRYABLE)
            raise ServerRefusal(refused, retry_after_s(response.headers, self._clocks.wall()) if waits else None)

    async def _admitted(self) -> Sent:
        """Waits for permission to send, in the order of arrival. Raises OVERLOADED, with the delay, while calls are
        held back."""
        again = False
        while True:
            match self._limit.admit(self._clocks.monotonic()):
                case Sent() as sent:
                    return sent
                case HeldBack(wait_s):
                    detail = f"{self._name}: said that there were too many requests: calls are held back"
                    raise EngineError(ErrorKind.OVERLOADED, detail, wait_s)
                case _:
                    await self._place(first=again)
                    again = True

    async def _place(self, *, first: bool) -> None:
        """Waits until a call has ended; `first`: ahead of all that wait."""
        place = asyncio.get_running_loop().create_future()
        (self._waiting.appendleft if first else self._waiting.append)(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._wake()
            raise

    def _wake(self) -> None:
        room = self._limit.room
        while room and self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                room -= 1

    def _refused(self, refused: ServerRefusal) -> RefusedCall:
        refusal = refused.refusal
        status = None if refusal.status is None else f"HTTP {refusal.status}"
        said = "; ".join(part for part in (status, refusal.advice, self.clean(refusal.said)) if part)
        wait_s = refused.retry_after_s
        if wait_s is None and refusal.kind is ErrorKind.OVERLOADED:
            wait_s = self._limit.held_s(self._clocks.monotonic())  # no longer than those that come after it
        error = RefusedCall(refusal.kind, f"{self._name}: {said}", wait_s)
        error.status = refusal.status
        return error

    def _error(self, kind: ErrorKind, detail: str) -> EngineError:
        return EngineError(kind, f"{self._name}: {self.clean(detail)}")


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """The delay a server asks for, not negative: `retry-after-ms`, or Retry-After in seconds or as an HTTP date."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("Retry-After")
    seconds = _number(said)
    if seconds is not None or said is None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return max(0.0, value) if math.isfinite(value) else None


async def _body(response: aiohttp.ClientResponse, most_bytes: int) -> tuple[bytes, bool]:
    """The body up to `most_bytes`, and whether that is all of it."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        parts.append(part)
        if size > most_bytes:
            return b"".join(parts)[:most_bytes], False
    return b"".join(parts), True
