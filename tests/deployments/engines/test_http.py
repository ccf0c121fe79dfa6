"""The HTTP engine against a server that is rude: every bad answer becomes one typed error, at once and only once."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from actors.calls.clocks import Clocks
from deployments.engines.http import HttpBackend
from deployments.engines.http_endpoint import IDLE_S
from deployments.engines.roles import EngineRole
from schemas.config_engines import HttpEngine as Config
from schemas.errors import ConfigError, EngineError, ErrorKind, ModelError
from schemas.samples import ClassificationRequest, FinishReason, GenerationRequest, Message, Sampling
from tests.doubles.rude_server import SAID, RudeServer, rude_server

NEVER_S = 600.0
"""A limit that no machine reaches, however busy: what waits for it is a test that hangs."""
WALL_S = 1_792_567_700.0
"""Wed, 21 Oct 2026 07:28:20 GMT."""
SECRET = "sk-very-secret-123"


class Time:
    """A monotonic clock that moves when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def server() -> AsyncIterator[RudeServer]:
    async with rude_server() as running:
        yield running


@pytest.fixture
async def engine(server: RudeServer, time: Time) -> AsyncIterator[HttpBackend]:
    started = await start(server, time, timeout_s=NEVER_S)
    yield started
    await started.close()


async def start(
    server: RudeServer, time: Time, *, role: EngineRole = EngineRole.GENERATOR, **options: Any
) -> HttpBackend:
    config = Config(base_url=server.url, model="polite", **options)
    engine = HttpBackend(config, role, Clocks(monotonic=time, wall=lambda: WALL_S))
    await engine.start()
    return engine


def ask(content: str, **options: Any) -> GenerationRequest:
    return GenerationRequest(id="r", messages=(Message("user", content),), sampling=Sampling(seed=5), **options)


async def error_of(engine: HttpBackend, content: str) -> EngineError:
    with pytest.raises(EngineError) as raised:
        await engine.generate(ask(content))
    return raised.value


@pytest.mark.parametrize(
    ("behaviour", "kind", "retry_after_s"),
    [
        ("429", ErrorKind.OVERLOADED, 0.5),
        ("429 seconds", ErrorKind.OVERLOADED, 7.0),
        ("429 date", ErrorKind.OVERLOADED, 10.0),
        ("429 past", ErrorKind.OVERLOADED, 0.0),
        ("429 milliseconds", ErrorKind.OVERLOADED, 1.5),
        ("429 nonsense", ErrorKind.OVERLOADED, 0.5),
        ("503", ErrorKind.OVERLOADED, 3.0),
        ("500", ErrorKind.RETRYABLE, None),
        ("408", ErrorKind.RETRYABLE, None),
        ("truncated", ErrorKind.RETRYABLE, None),
        ("disconnect", ErrorKind.RETRYABLE, None),
        ("invalid json", ErrorKind.REFUSED, None),
        ("not utf-8", ErrorKind.REFUSED, None),
        ("html", ErrorKind.REFUSED, None),
        ("empty", ErrorKind.REFUSED, None),
        ("wrong schema", ErrorKind.REFUSED, None),
        ("no choices", ErrorKind.REFUSED, None),
        ("deep", ErrorKind.REFUSED, None),
        ("deep error", ErrorKind.REFUSED, None),
        ("huge", ErrorKind.REFUSED, None),
        ("long", ErrorKind.REFUSED, None),
        ("400", ErrorKind.PERMANENT, None),
        ("400 long", ErrorKind.PERMANENT, None),
        ("400 nothing", ErrorKind.REFUSED, None),
        ("401", ErrorKind.REFUSED, None),
        ("403", ErrorKind.REFUSED, None),
        ("404", ErrorKind.REFUSED, None),
        ("422", ErrorKind.REFUSED, None),
        ("redirect", ErrorKind.REFUSED, None),
        ("filtered", ErrorKind.PERMANENT, None),
    ],
)
async def test_every_bad_answer_has_its_kind(
    engine: HttpBackend, server: RudeServer, behaviour: str, kind: ErrorKind, retry_after_s: float | None
) -> None:
    """A provider has a bad day: each failure says what may be done about it, and nothing was tried twice."""
    error = await error_of(engine, behaviour)
    assert (error.kind, error.retry_after_s) == (kind, retry_after_s)
    assert len(server.bodies) == 1


async def test_a_server_that_never_answers_is_given_up(server: RudeServer, time: Time) -> None:
    """It takes the request and says nothing: the call ends at its limit, and is not made again."""
    engine = await start(server, time, check_models=False, timeout_s=0.3)
    assert (await error_of(engine, "hang")).kind is ErrorKind.RETRYABLE
    assert len(server.bodies) <= 1
    await engine.close()


async def test_the_server_s_own_words_are_told(engine: HttpBackend) -> None:
    """A user reads why in the dead letter: status, advice and the server's message."""
    assert "the prompt is too long" in (await error_of(engine, "400")).detail
    assert "no such model" in (await error_of(engine, "404")).detail
    assert "redirects" in (await error_of(engine, "redirect")).detail


async def test_a_good_answer(engine: HttpBackend) -> None:
    """Text, end and tokens are the server's."""
    found = await engine.generate(ask("Tell me."))
    assert (found.text, found.finish) == (SAID, FinishReason.STOP)
    assert (found.prompt_tokens, found.completion_tokens) == (11, 7)


async def test_a_thought_without_an_answer_is_an_empty_completion(engine: HttpBackend) -> None:
    """A reasoning model that hit the limit while thinking said nothing: the parser decides about that."""
    found = await engine.generate(ask("null content"))
    assert (found.text, found.finish, found.completion_tokens) == ("", FinishReason.LENGTH, 9)


async def test_what_is_sent(engine: HttpBackend, server: RudeServer) -> None:
    """Everything that a request asks for is on the wire, and nothing that it does not."""
    await engine.generate(ask("Hi", stop=("\n\n",), logprobs=True, json_schema='{"type": "object"}'))
    assert server.bodies == [
        {
            "model": "polite",
            "messages": [{"role": "user", "content": "Hi"}],
            "temperature": 0.7,
            "top_p": 1.0,
            "max_tokens": 256,
            "seed": 5,
            "stop": ["\n\n"],
            "logprobs": True,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": {"type": "object"}, "name": "reply", "strict": True},
            },
        }
    ]


async def test_dialects(server: RudeServer, time: Time) -> None:
    """A server that knows only json_object, and OpenAI's newer name of the token limit."""
    engine = await start(server, time, structured_output="json_object", output_limit="max_completion_tokens")
    await engine.generate(ask("Hi", json_schema='{"type": "object"}'))
    await engine.close()
    (body,) = server.bodies
    assert body["response_format"] == {"type": "json_object"}
    assert body["max_completion_tokens"] == 256
    assert "max_tokens" not in body


async def test_classes(server: RudeServer, time: Time) -> None:
    """vLLM's classification endpoint lies beside /v1; probabilities that are none are a broken answer."""
    engine = await start(server, time, role=EngineRole.CLASSIFIER)
    classified = await engine.classify(ClassificationRequest("c", "a text"))
    assert (classified.probabilities, classified.prompt_tokens) == ((0.25, 0.75), 5)
    assert server.bodies == [{"model": "polite", "input": "a text"}]
    with pytest.raises(EngineError, match="cannot be read"):
        await engine.classify(ClassificationRequest("c", "wrong schema"))
    with pytest.raises(EngineError, match="serves as a classifier"):
        await engine.generate(ask("Hi"))
    await engine.close()


@pytest.mark.parametrize("behaviour", ["invalid json", "not utf-8", "html", "empty", "wrong schema", "no choices"])
async def test_a_reply_that_cannot_be_read_is_an_accident_once_others_could_be(
    engine: HttpBackend, behaviour: str
) -> None:
    """A proxy in the middle of a restart sends its own page: that passes. A server of which no reply was ever read
    speaks another language: that does not (it is refused, above)."""
    await engine.generate(ask("Hi"))
    assert (await error_of(engine, behaviour)).kind is ErrorKind.RETRYABLE


async def test_a_server_that_does_not_heed_the_limit_answers_a_probe(engine: HttpBackend) -> None:
    """A conductor asks a pool that was away for one token, to see whether it is back; the server says all of it."""
    probe = GenerationRequest("p", (Message("user", "Hi"),), Sampling(max_tokens=1))
    assert (await engine.generate(probe)).text == SAID


async def test_after_429_one_call_finds_out_and_then_all_go_again(server: RudeServer, time: Time) -> None:
    """A server says 429 and not for how long: it is left alone for half a second, then one call tries; nothing is
    sent meanwhile, and whoever asks is told how long to wait."""
    engine = await start(server, time)
    assert (await error_of(engine, "429")).kind is ErrorKind.OVERLOADED
    held = await error_of(engine, "Hi")
    assert (held.kind, held.retry_after_s) == (ErrorKind.OVERLOADED, 0.5)
    time.now += 0.5
    tried = await error_of(engine, "429")
    assert tried.retry_after_s == 1.0  # the call that tried waits no longer than those that come after it
    assert (await error_of(engine, "Hi")).retry_after_s == 1.0
    assert len(server.bodies) == 2
    time.now += 1.0
    for _ in range(3):
        assert (await engine.generate(ask("Hi"))).text
    await engine.close()


async def test_what_concerns_one_request_or_passes_holds_nobody(server: RudeServer, time: Time) -> None:
    """A corpus of prompts that a server refuses, or a server that fails, is no reason to hold other calls: whether a
    pool is away is found out by its conductors, in one place."""
    engine = await start(server, time)
    for behaviour in ("400", "500", "401", "invalid json") * 6:
        await error_of(engine, behaviour)
    assert (await engine.generate(ask("Hi"))).text
    await engine.close()


async def test_leaving_frees_the_slot_and_tells_the_server(server: RudeServer, time: Time) -> None:
    """A cancelled call gives its place to the next one, and the server stops working on it."""
    engine = await start(server, time, concurrency=1)
    leaving = asyncio.create_task(engine.generate(ask("hang")))
    await asyncio.wait_for(server.called.wait(), 5)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert (await asyncio.wait_for(engine.generate(ask("Hi")), 5)).text
    await asyncio.wait_for(server.cancelled.wait(), 5)
    await engine.close()


async def test_calls_at_once_are_bounded(server: RudeServer, time: Time) -> None:
    """However many samples wait, a server holds `concurrency` calls of ours."""
    engine = await start(server, time, concurrency=4, timeout_s=NEVER_S)
    found = await asyncio.gather(*(engine.generate(ask("slow")) for _ in range(40)))
    assert len(found) == 40
    assert server.most_at_once == 4
    await engine.close()


@pytest.mark.slow
async def test_waiting_for_a_place_is_no_time_out(server: RudeServer, time: Time) -> None:
    """A call may take forty times what it takes; a hundred of them wait longer than that for each other."""
    engine = await start(server, time, concurrency=2, timeout_s=2.0)
    found = await asyncio.gather(*(engine.generate(ask("slow")) for _ in range(100)))
    assert len(found) == 100
    await engine.close()


async def test_the_key_is_sent_and_told_nowhere(
    server: RudeServer, time: Time, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A server repeats the key in its error; neither errors nor logs nor reprs hold it."""
    monkeypatch.setenv("SOME_KEY", SECRET)
    caplog.set_level(logging.DEBUG)
    engine = await start(server, time, api_key_env="SOME_KEY")
    error = await error_of(engine, "401")
    assert server.keys == [f"Bearer {SECRET}"]
    assert "Incorrect API key provided: ***" in error.detail
    assert SECRET not in f"{error!r}{error}{engine!r}{vars(engine)!r}{caplog.text}"
    for way in ("429 key", "500 late", "502 headers", "broken http"):
        error = await error_of(engine, way)
        told = f"{error!r}{''.join(traceback.format_exception(error))}{caplog.text}"
        assert not [SECRET[:cut] for cut in range(6, len(SECRET) + 1) if SECRET[:cut] in told], way
    await engine.close()


@pytest.mark.parametrize("value", [None, "  ", "two words", "schlüssel"])
async def test_a_missing_or_impossible_key(
    server: RudeServer, time: Time, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """The variable was forgotten, or holds something else: said before anything is sent."""
    monkeypatch.delenv("SOME_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SOME_KEY", value)
    with pytest.raises(ConfigError, match="SOME_KEY") as raised:
        await start(server, time, api_key_env="SOME_KEY")
    assert value is None or value.strip() not in str(raised.value) or not value.strip()
    assert server.keys == []


async def test_a_model_that_is_not_there(server: RudeServer, time: Time) -> None:
    """A typing error in the model's name: the server's own names are told."""
    engine = HttpBackend(Config(base_url=server.url, model="polit"), EngineRole.GENERATOR)
    with pytest.raises(ModelError, match="does not offer the model 'polit'; it has polite, polite-large"):
        await engine.start()


async def test_nobody_is_there(unused_tcp_port: int) -> None:
    """The server was not started: one line that names it."""
    url = f"http://127.0.0.1:{unused_tcp_port}/v1"
    with pytest.raises(ModelError, match=url) as raised:
        await HttpBackend(Config(base_url=url, model="polite"), EngineRole.GENERATOR).start()
    assert "is it running" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_client_hangs_up_first() -> None:
    """A connection is given up well before its server does: a request that crosses the hang-up is lost."""
    assert uvicorn.Config("").timeout_keep_alive > IDLE_S + 1


async def test_before_and_after(server: RudeServer, time: Time) -> None:
    """A closed engine is a fault that may pass (its replica is replaced), not a crash."""
    engine = await start(server, time)
    await engine.close()
    assert (await error_of(engine, "Hi")).kind is ErrorKind.RETRYABLE
