"""A server that treats requests as vLLM does with models of well-known kinds: their template, thoughts and limit.

A double: it computes no text. What it says comes from the test; what it does to it (thoughts first, a cut at the limit)
is the kind's own.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct
from transformers import PreTrainedTokenizerFast

from tests.doubles import templates, tiny_models
from tests.doubles.loopback import on_loopback

THOUGHTS = 900
"""Tokens that a thinking model spends before it answers a question as short as these."""


class Kind(Struct, frozen=True):
    """A chat template, and whether a prompt that does not end with empty thoughts is answered with thoughts first."""

    template: str
    thinks: bool


PLAIN = Kind(tiny_models.CHAT_TEMPLATE, thinks=False)
QWEN3 = Kind(templates.THINKS, thinks=True)


class KindServer:
    """Serves models by name. `says`: the answer to a request's body. `cut` counts replies that the limit ended."""

    def __init__(self, kinds: Mapping[str, Kind], says: Callable[[dict[str, Any]], str]) -> None:
        self.url = ""
        self.answered = 0
        self.cut = 0
        self._kinds = kinds
        self._says = says

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": name} for name in self._kinds]})

    async def chat(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read())
        kind = self._kinds[body["model"]]
        prompt = _rendered(kind, body)
        thoughts = THOUGHTS if kind.thinks and not prompt.endswith("</think>\n\n") else 0
        text = self._says(body)
        room = body["max_tokens"] - thoughts
        cut = room < len(text) // 4
        self.answered += 1
        self.cut += cut
        message = {
            "role": "assistant",
            "content": text[: max(room, 0) * 4] or None,
            "reasoning_content": "Hm. " * thoughts or None,
        }
        choice = {"index": 0, "message": message, "finish_reason": "length" if cut else "stop"}
        usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": min(body["max_tokens"], thoughts + len(text))}
        return web.json_response({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage})


def _rendered(kind: Kind, body: Mapping[str, Any]) -> str:
    """As the template writes it; it raises where the kind's does."""
    tokenizer: PreTrainedTokenizerFast = tiny_models.tokenizer()
    tokenizer.chat_template = kind.template
    given = body.get("chat_template_kwargs") or {}
    return str(tokenizer.apply_chat_template(body["messages"], tokenize=False, add_generation_prompt=True, **given))


@asynccontextmanager
async def serving(kinds: Mapping[str, Kind], says: Callable[[dict[str, Any]], str]) -> AsyncIterator[KindServer]:
    """The server on loopback, on a free port."""
    server = KindServer(kinds, says)
    app = web.Application()
    app.router.add_get("/v1/models", server.models)
    app.router.add_post("/v1/chat/completions", server.chat)
    async with on_loopback(app) as address:
        server.url = f"{address}/v1"
        yield server
