"""The engine against servers in the manner of those that people run: one quirk a case."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from actors.calls.clocks import Clocks
from deployments.config.servers import OUR_BODY
from deployments.engines.http import HttpBackend
from deployments.engines.http_wire import ChatRequest
from deployments.engines.roles import EngineRole
from schemas.config_engines import HttpEngine as Config
from schemas.errors import EngineError, ErrorKind, ModelError
from schemas.samples import Completion, FinishReason, GenerationRequest, Message, Sampling
from tests.doubles.openai_manners import AZURE, LLAMA_CPP, MANNERS, MISTRAL, OLLAMA, OPENAI, TGI, TOGETHER, VLLM
from tests.doubles.openai_servers import MODERATED, SAID, TOO_LONG, Manner, Server, serving

NAMED = pytest.mark.parametrize("manner", MANNERS, ids=[manner.name for manner in MANNERS])
NEEDS: dict[str, dict[str, Any]] = {
    "vllm": {"system_role": "merge"},
    "llama.cpp": {"system_role": "merge"},
    "azure": {"query": {"api-version": "2024-10-21"}},
    "mistral": {"omit": ("seed",)},
    "openai": {"omit": ("temperature", "top_p"), "output_limit": "max_completion_tokens"},
}
"""The keys that each server needs here; docs/servers.md tells them."""


class Started:
    """An engine at a server of that manner."""

    def __init__(self, server: Server, engine: HttpBackend) -> None:
        self.server = server
        self.engine = engine

    async def ask(self, content: str = "Hi", **options: Any) -> Completion:
        messages = (Message("system", "Be brief."), Message("user", content))
        request = GenerationRequest("r", messages, Sampling(seed=5), **options)
        return await self.engine.generate(request)

    async def error(self, content: str = "Hi") -> EngineError:
        with pytest.raises(EngineError) as raised:
            await self.ask(content)
        return raised.value


@pytest.fixture
async def started(manner: Manner, request: pytest.FixtureRequest) -> AsyncIterator[Started]:
    """With the keys that the server needs, unless the test gives its own (`keys`)."""
    keys = getattr(request, "param", NEEDS.get(manner.name, {}))
    async with at(manner, **keys) as running:
        yield running


def at(manner: Manner, *, clocks: Clocks | None = None, **keys: Any) -> "Running":
    return Running(manner, clocks or Clocks(monotonic=lambda: 0.0), keys)


class Running:
    """The server and its engine, both ended."""

    def __init__(self, manner: Manner, clocks: Clocks, keys: dict[str, Any]) -> None:
        self._serving = serving(manner)
        self._clocks = clocks
        self._keys = keys

    async def __aenter__(self) -> Started:
        server = await self._serving.__aenter__()
        keys: dict[str, Any] = {"base_url": server.url, "model": "m"} | self._keys
        config = Config(**keys)
        self._engine = HttpBackend(config, EngineRole.GENERATOR, self._clocks)
        try:
            await self._engine.start()
        except BaseException:
            await self._serving.__aexit__(None, None, None)
            raise
        return Started(server, self._engine)

    async def __aexit__(self, *error: object) -> None:
        await self._engine.close()
        await self._serving.__aexit__(None, None, None)


@NAMED
async def test_a_good_answer_is_read(started: Started) -> None:
    """Each server's own form of the same answer: text, end and tokens."""
    found = await started.ask()
    assert found == Completion("r", SAID, FinishReason.STOP, prompt_tokens=11, completion_tokens=7)


@NAMED
async def test_a_prompt_too_long_is_that_order_s_alone(started: Started) -> None:
    """One passage of 200 does not fit: its order ends, and the pool goes on."""
    error = await started.error(f"{TOO_LONG}: …")
    assert error.kind is ErrorKind.PERMANENT, error.detail
    assert (await started.ask()).text == SAID


@NAMED
async def test_a_server_without_room_asks_to_wait(started: Started) -> None:
    """Each server's way to say that it has no room now: by 429, 503, with or without a code."""
    started.server.busy = 1
    assert (await started.error()).kind is ErrorKind.OVERLOADED


@pytest.mark.parametrize("manner", [AZURE], ids=["azure"])
async def test_a_moderated_prompt_is_that_order_s_alone(started: Started) -> None:
    """The filter of the provider refuses one passage."""
    assert (await started.error(MODERATED)).kind is ErrorKind.PERMANENT


@pytest.mark.parametrize(
    ("manner", "keys", "says"),
    [
        (VLLM, {}, "write system_role: merge"),
        (LLAMA_CPP, {}, "write system_role: merge"),
        (MISTRAL, {}, "seed is refused: write omit: [seed]"),
        (OPENAI, {}, "max_tokens is refused: write output_limit: max_completion_tokens"),
        (OPENAI, {"output_limit": "max_completion_tokens"}, "temperature is refused: write omit: [temperature]"),
        (
            OPENAI,
            {"output_limit": "max_completion_tokens", "omit": ("temperature",)},
            "top_p is refused: write omit: [top_p]",
        ),
    ],
)
async def test_a_parameter_or_a_role_that_is_refused_names_its_key(
    manner: Manner, keys: dict[str, Any], says: str
) -> None:
    """A whole pool's fault, with the line that mends it in the configuration."""
    async with at(manner, **keys) as started:
        error = await started.error()
    assert error.kind is ErrorKind.REFUSED
    assert says in error.detail


async def test_what_is_omitted_or_merged_is_not_sent() -> None:
    """The server sees the role user alone and none of the parameters; all else as ever."""
    async with at(TGI, omit=("seed", "temperature", "top_p", "max_tokens"), system_role="merge") as started:
        await started.ask()
        assert started.server.bodies == [{"model": "m", "messages": [{"role": "user", "content": "Be brief.\n\nHi"}]}]


async def test_a_template_s_variables_and_a_body_s_extras_are_sent() -> None:
    """How a model behind a server is kept from thinking, and a provider's own parameters."""
    keys = {"chat_template_kwargs": {"enable_thinking": False}, "body": {"reasoning_effort": "low", "top_k": 20}}
    async with at(TGI, omit=("seed", "temperature", "top_p", "max_tokens"), **keys) as started:
        await started.ask()
        (body,) = started.server.bodies
    assert body.pop("messages")
    assert body == {"model": "m", **keys["body"], "chat_template_kwargs": {"enable_thinking": False}}


def test_the_body_s_own_parts_are_known_to_the_configuration() -> None:
    """What the client sets itself cannot be set twice; `top_logprobs` can: some servers
    allow fewer than are asked for."""
    assert set(ChatRequest.__struct_fields__) - {"top_logprobs"} <= OUR_BODY


@pytest.mark.parametrize(
    ("models", "warns"),
    [
        ((404, {}), True),
        ((405, {"detail": "Method Not Allowed"}), True),
        ((403, {"error": {"message": "missing scopes"}}), True),
        ((200, [{"id": "m"}]), False),
        ((200, [{"id": "other"}]), True),
        ((200, {"models": ["m"]}), True),
        ((200, "m"), True),
        ((200, {"data": [{"id": "models/m"}]}), False),
        ((200, {"data": [{"id": "m*"}]}), False),
        ((200, {"data": None}), None),
        ((401, {"error": {"message": "no key"}}), None),
        ((500, {"error": {"message": "down"}}), None),
    ],
)
async def test_the_list_of_models_is_optional(
    models: tuple[int, Any], warns: bool | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Servers without a list, or with one of another form, are taken as they are, with one line in the log; a server
    that is down, a refused key or a wrong name in a good list is told at the start (None here)."""
    manner = replace(TGI, models=models)
    caplog.set_level(logging.WARNING, logger="gleaner.http")
    if warns is None:
        with pytest.raises(ModelError):
            async with at(manner):
                pass
        return
    async with at(manner) as started:
        assert (await started.ask()).text == SAID
    assert len(caplog.records) == warns


async def test_the_list_need_not_be_asked() -> None:
    """`check_models: false`: nothing is sent before the first order's call."""
    async with at(replace(OLLAMA, models=(500, {})), check_models=False) as started:
        assert started.server.requests == []


@pytest.mark.parametrize(
    ("base", "query"),
    [
        ("{url}", {"api-version": "2024-10-21"}),
        ("{url}/", {"api-version": "2024-10-21"}),
        ("{url}?api-version=2024-10-21", {}),
        ("{url}/?api-version=2024-10-21#top", {}),
    ],
)
async def test_addresses_with_a_query(base: str, query: dict[str, str]) -> None:
    """Azure's address of a deployment, written in any way: the version stands behind each path."""
    async with serving(AZURE) as server:
        engine = HttpBackend(Config(base.format(url=server.url), "m", query=query), EngineRole.GENERATOR)
        await engine.start()
        assert (await Started(server, engine).ask()).text == SAID
        await engine.close()
        assert [request.path_qs for request in server.requests] == [
            "/openai/deployments/d/models?api-version=2024-10-21",
            "/openai/deployments/d/chat/completions?api-version=2024-10-21",
        ]


async def test_headers_of_the_environment_and_of_the_passage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key under another name, a team, and the passage by which a gateway picks the server with its prefix."""
    monkeypatch.setenv("A_KEY", "secret-of-the-gateway")
    headers = {"api-key": "env:A_KEY", "x-team": "data", "x-session": "p-{passage_id}"}
    async with at(TOGETHER, headers=headers) as started:
        await started.ask(passage_id="passage 1/é")
        await started.ask()
        _, first, second = [request.headers for request in started.server.requests]
        error = await started.error(TOO_LONG)
        assert "secret-of-the-gateway" not in f"{started.engine!r}{vars(started.engine)!r}{error!r}"
    assert (first["api-key"], first["x-team"]) == ("secret-of-the-gateway", "data")
    assert first["x-session"] == "p-passage%201%2F%C3%A9"
    assert "x-session" not in second


async def test_estimates_are_called_so(caplog: pytest.LogCaptureFixture) -> None:
    """A server without counts: each completion says how many of its tokens are estimates, the log says it once."""
    caplog.set_level(logging.WARNING, logger="gleaner.http")
    silent = replace(OLLAMA, answer=lambda text: {"choices": [{"message": {"content": text}}]})
    async with at(silent) as started:
        found = [await started.ask() for _ in range(3)]
    assert all(each.estimated_tokens == each.prompt_tokens + each.completion_tokens > 0 for each in found)
    assert len(caplog.records) == 1
