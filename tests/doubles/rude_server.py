"""RudeServer: an OpenAI-compatible server that answers well or badly, as the last message of a chat asks for.

It says what it was sent (`bodies`, `keys`) and how many calls it held at once, so that tests look at the wire.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import msgspec
from aiohttp import web

from tests.doubles.loopback import on_loopback

GOOD = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "polite",
    "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
}
SAID = "Question: Who lit the lamp of the tower?\nAnswer: Nobody."


class RudeServer:
    """Serves the model `polite` until told otherwise. `url` goes up to and including /v1."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[dict] = []
        self.keys: list[str | None] = []
        self.at_once = 0
        self.most_at_once = 0
        self.called = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.broken = False
        """Every call fails, whatever it asks for."""
        self.mood: Callable[[dict], str] = lambda body: body["messages"][-1]["content"]
        """How to behave towards a body: a name of `BEHAVIOURS`; any other and it answers well."""
        self.says: Callable[[dict], str] = lambda body: SAID
        """What it answers when it answers well."""
        self.logprobs: dict | None = None
        """What stands beside an answer in its choice."""
        self.beside: dict = {}
        """What stands beside the choices of an answer."""
        self.indiscreet = False
        """Most calls are answered by an error that repeats the key, each in another way."""

    async def models(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Authorization"))
        return web.json_response({"object": "list", "data": [{"id": "polite"}, {"id": "polite-large"}]})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = msgspec.json.decode(await request.read())
        self.bodies.append(body)
        self.called.set()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            behave = BEHAVIOURS.get(self._asked(body))
            return self._answer(body) if behave is None else await behave(request)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        finally:
            self.at_once -= 1

    def _asked(self, body: dict) -> str:
        if self.broken:
            return "500"
        return _INDISCREET[len(self.bodies) % len(_INDISCREET)] if self.indiscreet else self.mood(body)

    async def classify(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read())
        self.bodies.append(body)
        probs = [7.0, -6.0] if body["input"] == "wrong schema" else [0.25, 0.75]
        return web.json_response({"data": [{"index": 0, "probs": probs}], "usage": {"prompt_tokens": 5}})

    def _answer(self, body: dict) -> web.Response:
        return _choices([self.says(body)] * body.get("n", 1), self.logprobs, self.beside)


def _choices(texts: list[str], logprobs: dict | None = None, beside: dict = {}) -> web.Response:  # noqa: B006 - read
    more = {} if logprobs is None else {"logprobs": logprobs}
    choices = [
        {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", **more}
        for index, text in enumerate(texts)
    ]
    return web.json_response(GOOD | {"choices": choices} | beside)


@asynccontextmanager
async def rude_server() -> AsyncIterator[RudeServer]:
    """A server on loopback, on a free port."""
    server = RudeServer()
    app = web.Application()
    app.router.add_get("/v1/models", server.models)
    app.router.add_post("/v1/chat/completions", server.chat)
    app.router.add_post("/classify", server.classify)
    async with on_loopback(app) as address:
        server.url = f"{address}/v1"
        yield server


def _status(code: int, text: str = "", **headers: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        said = text.replace("{key}", request.headers.get("Authorization", "").removeprefix("Bearer "))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response({"error": {"message": said}}, status=code, headers=named)

    return answer


def _body(text: bytes) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=text, content_type="application/json")

    return answer


async def _echo_late(request: web.Request) -> web.StreamResponse:
    """The key lies where an error's text is cut: half of it would be told."""
    key = request.headers.get("Authorization", "")
    return web.json_response({"error": {"message": "x" * 280 + key}}, status=500)


async def _echo_headers(request: web.Request) -> web.StreamResponse:
    """A debug page with all that was sent, as plain text."""
    return web.Response(text="\n".join(f"{name}: {value}" for name, value in request.headers.items()), status=502)


async def _echo_broken(request: web.Request) -> web.StreamResponse:
    """An answer that is no HTTP, and quotes the request."""
    assert request.transport is not None
    cast(asyncio.Transport, request.transport).write(
        f"HTTP/1.1 {request.headers.get('Authorization')} nonsense\r\n\r\n".encode()
    )
    request.transport.close()
    return web.Response()


async def _hang(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3_600)
    raise AssertionError("nobody waits an hour")


async def _slow(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(0.05)
    return _choices([SAID])


async def _truncate(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"choices": [{"index": 0, "message": {"cont')
    assert request.transport is not None
    request.transport.close()
    return response


async def _disconnect(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def _long_error(request: web.Request) -> web.StreamResponse:
    """An error with the whole of a debug page behind it."""
    return web.json_response({"error": {"message": "the prompt is too long", "page": "x" * 10**6}}, status=400)


_INDISCREET = ("401", "429 key", "500 late", "502 headers", "broken http", "well", "well", "well")
BEHAVIOURS = {
    "429 key": _status(429, "slow down, {key}", Retry_After="0.05"),
    "500 late": _echo_late,
    "502 headers": _echo_headers,
    "broken http": _echo_broken,
    "429": _status(429, "slow down"),
    "429 seconds": _status(429, Retry_After="7"),
    "429 date": _status(429, Retry_After="Wed, 21 Oct 2026 07:28:30 GMT"),
    "429 past": _status(429, Retry_After="Wed, 21 Oct 2020 07:28:00 GMT"),
    "429 milliseconds": _status(429, retry_after_ms="1500", Retry_After="2"),
    "429 nonsense": _status(429, Retry_After="soon"),
    "503": _status(503, "loading", Retry_After="3"),
    "500": _status(500, "out of memory"),
    "400": _status(400, "the prompt is too long"),
    "401": _status(401, "Incorrect API key provided: {key}."),
    "403": _status(403, "not yours"),
    "404": _status(404, "no model"),
    "408": _status(408),
    "422": _status(422, "unprocessable"),
    "redirect": _status(307, Location="http://127.0.0.1:9/elsewhere"),
    "hang": _hang,
    "slow": _slow,
    "truncated": _truncate,
    "disconnect": _disconnect,
    "invalid json": _body(b'{"choices": [}'),
    "not utf-8": _body(
        b'{"choices": [{"index": 0, "message": {"content": "\xff\xfe"}}], "usage": {"prompt_tokens": 1}}'
    ),
    "html": _body(b"<html>Bad gateway</html>"),
    "empty": _body(b""),
    "wrong schema": _body(b'{"choices": "none", "usage": {"prompt_tokens": 1}}'),
    "negative tokens": _body(b'{"choices": [], "usage": {"prompt_tokens": -1}}'),
    "no choices": _body(b'{"choices": [], "usage": {"prompt_tokens": 1}}'),
    "no usage": _body(b'{"choices": [{"index": 0, "message": {"content": "x"}}]}'),
    "deep": _body(b'{"choices": [], "more": ' + b"[" * 400_000 + b"]" * 400_000 + b"}"),
    "deep error": _body(b'{"error": ' + b"[" * 400_000 + b"]" * 400_000 + b"}"),
    "huge": _body(b'{"choices": [{"message": {"content": "' + b"x" * 2_000_000 + b'"}}]}'),
    "long": _body(b'{"choices": [{"message": {"content": "' + b"x" * 70_000 + b'"}, "finish_reason": "stop"}]}'),
    "400 long": _long_error,
    "400 nothing": _status(400, ""),
    "null content": _body(
        b'{"choices": [{"index": 0, "message": {"content": null}, "finish_reason": "length"}],'
        b' "usage": {"prompt_tokens": 3, "completion_tokens": 9}}'
    ),
    "filtered": _body(
        b'{"choices": [{"index": 0, "message": {"content": ""}, "finish_reason": "content_filter"}],'
        b' "usage": {"prompt_tokens": 3, "completion_tokens": 0}}'
    ),
}
