"""What judges read of a server beside its texts: the likeliest first tokens, and how likely a prompt's tokens are."""

import pytest

from deployments.engines.http import HttpBackend
from deployments.engines.roles import EngineRole
from schemas.errors import EngineError, ErrorKind, ModelError
from schemas.samples import LikelyToken, Message, ScoringRequest
from tests.deployments.engines.test_http import Time, ask, engine, server, start, time
from tests.doubles.rude_server import RudeServer

__all__ = ["engine", "server", "time"]


async def test_the_likeliest_first_tokens(server: RudeServer, time: Time) -> None:
    """They are asked for as OpenAI has it, or as few as the server's `body` says; what is not text is no token."""
    server.logprobs = {"content": [{"logprob": -0.2, "top_logprobs": [{"token": " Yes", "logprob": -0.2}]}]}
    engine = await start(server, time)
    found = await engine.generate(ask("Hi", top_logprobs=20))
    assert (found.first_tokens, found.logprobs) == ((LikelyToken(" Yes", -0.2),), None)
    await engine.close()
    engine = await start(server, time, body={"top_logprobs": 5})
    await engine.generate(ask("Hi", top_logprobs=20))
    await engine.close()
    assert [(body["logprobs"], body["top_logprobs"]) for body in server.bodies] == [(True, 20), (True, 5)]


@pytest.mark.parametrize("logprobs", [None, {"content": None}, {"content": []}, {"content": [{"logprob": -0.2}]}])
async def test_a_server_without_first_tokens_is_refused_by_name(
    engine: HttpBackend, server: RudeServer, logprobs: dict | None
) -> None:
    """It takes the parameter and passes over it: one line, the pool's fault, and no sample's."""
    server.logprobs = logprobs
    with pytest.raises(EngineError, match=f"{server.url}: the server returned no top_logprobs") as raised:
        await engine.generate(ask("Hi", top_logprobs=20))
    assert raised.value.kind is ErrorKind.REFUSED


def prompt_of(*tokens: str | None) -> dict:
    """vLLM's answer about a prompt of these tokens, each a nat less likely than the one before."""
    told = [{str(number): {"logprob": -float(number), "decoded_token": text}} for number, text in enumerate(tokens, 1)]
    return {"prompt_logprobs": [None, *told]}


async def scored(engine: HttpBackend, said: str) -> tuple[tuple[str, float], ...]:
    found = await engine.score(ScoringRequest("s", (Message("user", "Who?"), Message("assistant", said))))
    assert (found.cost.prompt_tokens, found.cost.completion_tokens) == (11, 7)
    return tuple((token.text, token.logprob) for token in found.tokens)


START = prompt_of("<|assistant|>", "One", ".")


@pytest.mark.parametrize(
    ("said", "tokens", "found"),
    [
        ("Oda Lind", ("Who", "<|a|>", "O", "da", " Lind"), (("O", -3.0), ("da", -4.0), (" Lind", -5.0))),
        ("Oda Lind", ("<|a|>\n", "Oda", "Lind"), (("Oda", -2.0), ("Lind", -3.0))),
        ("ét", ("<|a|>", "", "é", "t"), (("", -2.0), ("é", -3.0), ("t", -4.0))),
        ("Oda Oda", ("Oda", "<|a|>", "Oda", " ", "Oda"), (("Oda", -3.0), (" ", -4.0), ("Oda", -5.0))),
    ],
)
async def test_what_is_said_is_found_among_the_prompt_s_tokens(
    server: RudeServer, time: Time, said: str, tokens: tuple[str, ...], found: tuple
) -> None:
    """Its tokens are the prompt's last: with or without their spaces, and characters of several tokens."""
    server.beside = START
    engine = await start(server, time, role=EngineRole.SCORER)
    server.beside = prompt_of(*tokens)
    assert await scored(engine, said) == found
    body = server.bodies[-1]
    assert (body["prompt_logprobs"], body["max_tokens"], body["continue_final_message"]) == (0, 1, True)
    assert body["messages"][-1] == {"role": "assistant", "content": said}
    await engine.close()


@pytest.mark.parametrize("tokens", [("<|a|>Oda", " Lind"), ("<|a|>", "Oda", " Lind", "<|end|>"), ("Lind",), (None,)])
async def test_tokens_that_cannot_be_told_apart_are_no_likelihood(
    server: RudeServer, time: Time, tokens: tuple[str | None, ...]
) -> None:
    """A token that reaches over the boundary, a template that ends the turn: that text's error."""
    server.beside = START
    engine = await start(server, time, role=EngineRole.SCORER)
    server.beside = prompt_of(*tokens)
    with pytest.raises(EngineError, match="the tokens of the last message cannot be told") as raised:
        await scored(engine, "Oda Lind")
    assert raised.value.kind is ErrorKind.PERMANENT
    await engine.close()


async def test_a_server_that_scores_nothing_is_refused_at_the_start(server: RudeServer, time: Time) -> None:
    """OpenAI's would refuse the parameter, others pass over it: one line with the address, before any order."""
    with pytest.raises(ModelError, match=f"{server.url}: the server returned no prompt_logprobs, which form: likelih"):
        await start(server, time, role=EngineRole.SCORER)
    server.mood = lambda body: "422"
    with pytest.raises(ModelError, match=f"{server.url}: HTTP 422; unprocessable"):
        await start(server, time, role=EngineRole.SCORER)
    server.mood = lambda body: "503"
    await (await start(server, time, role=EngineRole.SCORER)).close()
