"""Servers in the manner of those that people run: each with its own list of models, replies and errors.

Written from what the projects' issues and manuals report; a `Manner` is what differs, everything else is one server.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from tests.doubles.loopback import on_loopback

Reply = tuple[int, Any]
"""Status and JSON body."""
SAID = "Question: When was it lit?\nAnswer: It was lit in 1871."
TOO_LONG = "too long a prompt"
MODERATED = "a prompt that is moderated"


class Manner(Struct, frozen=True):
    """How a server differs. `answer` makes the body of a good answer from the text; `faults` look at the request first
    and refuse it; `models` is what GET /models says, and `prefix` where it all lies."""

    name: str
    answer: Callable[[str], Any]
    too_long: Reply
    role: Reply | None = None
    """Of a model whose template knows no system role."""
    parameters: dict[str, Reply] = {}
    """By parameters that it refuses."""
    moderated: Reply | None = None
    overloaded: Reply = (503, {"error": {"message": "The server is overloaded", "type": "server_error"}})
    models: Reply = (200, {"object": "list", "data": [{"id": "m", "object": "model"}]})
    prefix: str = "/v1"


class Server:
    """One running server. `busy`: calls that are refused as overloaded before it answers."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.url = ""
        self.requests: list[web.Request] = []
        self.bodies: list[dict[str, Any]] = []
        self.busy = 0
        self.says: Callable[[dict[str, Any]], str] = lambda body: SAID

    async def list_models(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        return _json(self.manner.models)

    async def chat(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read())
        self.requests.append(request)
        self.bodies.append(body)
        return _json(self._refusal(body) or (200, self.manner.answer(self.says(body))))

    def _refusal(self, body: dict[str, Any]) -> Reply | None:
        manner = self.manner
        if self.busy:
            self.busy -= 1
            return manner.overloaded
        for name, reply in manner.parameters.items():
            if name in body:
                return reply
        if manner.role is not None and any(message["role"] == "system" for message in body["messages"]):
            return manner.role
        asked = body["messages"][-1]["content"]
        if TOO_LONG in asked:
            return manner.too_long
        return manner.moderated if MODERATED in asked else None


@asynccontextmanager
async def serving(manner: Manner) -> AsyncIterator[Server]:
    """The server on loopback, on a free port."""
    server = Server(manner)
    app = web.Application()
    app.router.add_get(f"{manner.prefix}/models", server.list_models)
    app.router.add_post(f"{manner.prefix}/chat/completions", server.chat)
    async with on_loopback(app) as address:
        server.url = f"{address}{manner.prefix}"
        yield server


def _json(reply: Reply) -> web.Response:
    return web.json_response(reply[1], status=reply[0])
