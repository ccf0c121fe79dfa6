"""The simulated server without its wire: so many slots, a queue in front of them, a latency for each call, and a log.

Law: what is said depends on the seed and the request alone; how long it takes, on these and on how often the request
was seen. A token is four characters.
"""

import asyncio
import json
import math
import re
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks.peers.asked import Understood, digest_of, read
from benchmarks.peers.calls import Call
from benchmarks.simulated.engine import CHARACTERS_A_TOKEN, tokens_of
from benchmarks.simulated.model import Quality, SimulatedModel

WRITES = ("generate", "several", "strict", "quote", "edit", "regenerate", "refine")
NO_LIMIT = 1_000_000
_ANSWER = re.compile(r'"answer": ("(?:[^"\\]|\\.)*")')


class Pace(Struct, frozen=True):
    """How fast the server is: `slots` calls at once, each `call_ms` and `token_ms` for each token of its completion on
    average, drawn lognormally with `sigma`. `faster`: all of it so many times as fast, for tests alone."""

    slots: int = 64
    call_ms: float = 300.0
    token_ms: float = 0.0
    sigma: float = 0.6
    faster: float = 1.0

    def mean_s(self, completion_tokens: int) -> float:
        return (self.call_ms + self.token_ms * completion_tokens) / 1000 / self.faster


class Reply(Struct, frozen=True):
    """A completion and its tokens. `cut`: it ran to the client's limit."""

    text: str
    prompt: int
    completion: int
    cut: bool = False


class Service:
    """Answers chat completions at the server's pace."""

    def __init__(self, pace: Pace, log: Path, *, seed: int) -> None:
        self._pace = pace
        self._model = SimulatedModel(Quality(seed=seed))
        self._room = asyncio.Semaphore(pace.slots)
        self._seen: Counter[str] = Counter()
        self._log = log.open("ab")
        self.answered = 0

    def close(self) -> None:
        self._log.close()

    async def answer(self, body: dict[str, Any]) -> Reply:
        """One call from its arrival to its end. Raises ValueError for a request that is not understood."""
        arrived, started, answered = monotonic(), None, False
        asked = read(body)
        reply = self._reply(asked, body)
        wait_s = self._latency_s(asked.key, reply.completion)
        try:
            async with self._room:
                started = monotonic()
                await asyncio.sleep(wait_s)
            answered = True
            self.answered += 1
            return reply
        finally:
            self._note(asked, reply, arrived, started, answered=answered)

    def _reply(self, asked: Understood, body: dict[str, Any]) -> Reply:
        text = asked.text(self._model)
        limit = int(body.get("max_tokens") or body.get("max_completion_tokens") or NO_LIMIT)
        cut = tokens_of(text) > limit
        if cut:
            text = text[: CHARACTERS_A_TOKEN * limit]
        prompt = sum(tokens_of(message["content"]) for message in body["messages"])
        return Reply(text, prompt, tokens_of(text), cut)

    def _latency_s(self, key: str, tokens: int) -> float:
        """Lognormal, with the mean of the pace."""
        sigma, nth = self._pace.sigma, self._seen[key]
        self._seen[key] += 1
        drawn = self._model.chance.normal("latency", key, nth)
        return self._pace.mean_s(tokens) * math.exp(sigma * drawn - sigma * sigma / 2)

    def _note(self, asked: Understood, reply: Reply, arrived: float, started: float | None, *, answered: bool) -> None:
        call = Call(
            kind=asked.kind,
            key=asked.key,
            arrived=arrived,
            started=started,
            ended=monotonic(),
            answered=answered,
            prompt=reply.prompt,
            completion=reply.completion,
            units=asked.units,
            passage=digest_of(asked.passage) if asked.passage else "",
            wrote=tuple(_answers(reply.text)) if asked.kind in WRITES else (),
        )
        self._log.write(msgspec.json.encode(call) + b"\n")
        self._log.flush()


def _answers(text: str) -> list[str]:
    """The answers in a completion: those of its pairs, or else all of it."""
    return [json.loads(found) for found in _ANSWER.findall(text)] or [text]
