"""One HTTP endpoint: bounded, timed, behind a breaker; here alone foreign failures become EngineErrors.

Law: a call is sent once. Nothing is retried (the conductor alone does); the key is in a header and in no message.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import msgspec
from msgspec import Struct

from deployments.engines.breaker import BreakerLimits, CallEnd, CircuitBreaker, Refused
from deployments.engines.http_wire import error_message
from schemas.errors import EngineError, ErrorKind

T = TypeVar("T")

LARGEST_BODY_BYTES = 64 * 1024 * 1024
"""A reply larger than this is no reply."""
IDLE_S = 3.0
"""A connection that rests longer is not used again: uvicorn, and so vLLM, hangs up after 5 s, and a request that
crosses that on its way is lost."""
LONGEST_TOLD = 300
"""Characters of a foreign error in one of ours."""
_MAY_PASS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY})
"""4xx that another try may mend; every other one says that the request itself is refused."""
_ADVICE: dict[int, str] = {
    401: "the key is missing or refused (see api_key_env)",
    403: "the key may not use this model",
    404: "no such model or path (base_url goes up to and including /v1)",
    **dict.fromkeys((301, 302, 303, 307, 308), "the server redirects elsewhere: base_url must be the final address"),
}


class Clocks(Struct, frozen=True):
    """`monotonic` for the breaker, `wall` for dates in headers; both in seconds."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


class EndpointLimits(Struct, frozen=True):
    """Calls at once, and how long one may take from being sent to its last byte, in seconds."""

    concurrency: int
    timeout_s: float
    breaker: BreakerLimits


class Endpoint:
    """A server and the connections to it. Made on the event loop that uses it; `close` when done."""

    def __init__(self, name: str, limits: EndpointLimits, key: str | None, clocks: Clocks) -> None:
        self._name = name
        self._limits = limits
        self._key = key
        self._clocks = clocks
        self._breaker = CircuitBreaker(limits.breaker)
        self._slots = asyncio.Semaphore(limits.concurrency)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limits.concurrency, keepalive_timeout=IDLE_S),
            timeout=aiohttp.ClientTimeout(total=limits.timeout_s),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Ends all connections; calls under way fail."""
        await self._session.close()

    async def get(self, url: str, decoder: "msgspec.json.Decoder[T]") -> T:
        """The decoded reply. Raises EngineError."""
        return await self._call("GET", url, None, decoder)

    async def post(self, url: str, body: bytes, decoder: "msgspec.json.Decoder[T]") -> T:
        """The decoded reply. Raises EngineError."""
        return await self._call("POST", url, body, decoder)

    async def _call(self, method: str, url: str, body: bytes | None, decoder: "msgspec.json.Decoder[T]") -> T:
        async with self._slots:
            with self._breaking(), self._boundary():
                async with self._session.request(method, url, data=body, allow_redirects=False) as response:
                    reply = await _body(response)
                    if response.status != HTTPStatus.OK:
                        raise self._refusal(response.status, response.headers, reply)
                    return decoder.decode(reply)

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        """The breaker around one call. Raises OVERLOADED with the delay while it is open."""
        admission = self._breaker.admit(self._clocks.monotonic())
        if isinstance(admission, Refused):
            wait_s = admission.retry_after_s
            raise EngineError(ErrorKind.OVERLOADED, f"{self._name} keeps failing: calls are held back", wait_s)
        end = CallEnd.UNKNOWN
        try:
            yield
            end = CallEnd.ANSWERED
        except EngineError as error:
            end = CallEnd.FAILED if error.kind is ErrorKind.RETRYABLE else CallEnd.ANSWERED
            raise
        finally:
            self._breaker.settle(admission, end, self._clocks.monotonic())

    @contextmanager
    def _boundary(self) -> Iterator[None]:
        """aiohttp's and the decoder's errors as ours."""
        try:
            yield
        except TimeoutError as error:
            raise self._retryable(f"no answer within {self._limits.timeout_s:g} s") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._retryable(f"the reply cannot be read: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._retryable(f"{type(error).__name__}: {error}") from None  # it may quote what the server sent

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> EngineError:
        told = self._clean(error_message(body))
        said = "; ".join(part for part in (f"HTTP {status}", _ADVICE.get(status), told) if part)
        detail = f"{self._name}: {said}"
        wait_s = retry_after_s(headers, self._clocks.wall())
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return EngineError(ErrorKind.OVERLOADED, detail, wait_s)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _MAY_PASS:
            return EngineError(ErrorKind.RETRYABLE, detail, wait_s)
        return EngineError(ErrorKind.PERMANENT, detail)

    def _retryable(self, detail: str) -> EngineError:
        return EngineError(ErrorKind.RETRYABLE, f"{self._name}: {self._clean(detail)}")

    def _clean(self, text: str) -> str:
        """The beginning of a foreign text without the key, should a server repeat it: half a key is told as little."""
        return (text.replace(self._key, "***") if self._key else text)[:LONGEST_TOLD]


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


async def _body(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > LARGEST_BODY_BYTES:
            raise aiohttp.ClientPayloadError(f"the reply is longer than {LARGEST_BODY_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)
