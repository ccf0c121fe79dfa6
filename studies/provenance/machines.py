"""The models, in this process, each asked the same only once, also by a later run over the same output.

Law: what a request gives depends on the request alone (draws are seeded), so an answer that was given before is the
answer; what it cost is told again, since the study counts what an arm would have paid.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from actors.protocols import Engine
from deployments.engines.roles import EngineRole
from deployments.local.gates import started
from schemas.samples import (
    Classification,
    ClassificationRequest,
    Completion,
    GenerationRequest,
    Message,
    Sampling,
)
from studies.provenance.world import engine


class Said(Struct, frozen=True):
    """A completion, and what was asked for it."""

    messages: tuple[Message, ...]
    sampling: Sampling
    completion: Completion


class Scored(Struct, frozen=True):
    """A classification, and of which text."""

    text: str
    classification: Classification


class Memory(Struct, frozen=True):
    """What models answered, as it is kept in a file."""

    said: list[Said]
    scored: list[Scored]


T = TypeVar("T")

_DECODER = msgspec.msgpack.Decoder(Memory)


class Remembering:
    """An engine that answers from memory what it was asked before; `path` keeps the memory."""

    def __init__(self, model: Engine, path: Path) -> None:
        self._model = model
        self._path = path
        self._said: dict[tuple[tuple[Message, ...], Sampling], asyncio.Future[Completion]] = {}
        self._scored: dict[str, asyncio.Future[Classification]] = {}
        self._computed = 0
        if path.exists():
            kept = _DECODER.decode(path.read_bytes())
            self._said = {(one.messages, one.sampling): _done(one.completion) for one in kept.said}
            self._scored = {one.text: _done(one.classification) for one in kept.scored}

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion of a request."""
        key = (request.messages, request.sampling)
        if key not in self._said:
            self._computed += 1
            self._said[key] = asyncio.ensure_future(self._generated(request, f"{self._computed}"))
        said = await asyncio.shield(self._said[key])
        return replace(said, request_id=request.id)

    async def classify(self, request: ClassificationRequest) -> Classification:
        """Class probabilities of a text."""
        if request.text not in self._scored:
            self._computed += 1
            # ids are unique among what an engine has in hand, and may come again from another arm
            asked = ClassificationRequest(id=f"{self._computed}", text=request.text)
            self._scored[request.text] = asyncio.ensure_future(self._model.classify(asked))
        scored = await asyncio.shield(self._scored[request.text])
        return replace(scored, request_id=request.id)

    async def start(self) -> None:
        """The model was started before."""

    async def check(self) -> None:
        """Raises EngineError when the model cannot answer any more."""
        await self._model.check()

    async def close(self) -> None:
        """Keeps the memory; whoever started the model closes it."""
        if not self._computed:
            return
        said = [Said(*key, answer.result()) for key, answer in self._said.items() if _is_answered(answer)]
        scored = [Scored(text, answer.result()) for text, answer in self._scored.items() if _is_answered(answer)]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".part")
        beside.write_bytes(msgspec.msgpack.encode(Memory(said, scored)))
        beside.replace(self._path)

    async def _generated(self, request: GenerationRequest, name: str) -> Completion:
        return await self._model.generate(replace(request, id=name))


async def generator(stack: AsyncExitStack, scale: str, memory: Path) -> Remembering:
    """A generator by scale; `memory` is a folder."""
    model = await started(stack, engine(f"generator-{scale}"))
    return _closed_with(stack, Remembering(model, memory / f"generator-{scale}.msgpack"))


async def classifier(stack: AsyncExitStack, name: str | Path, memory: Path) -> Remembering:
    """A judge or the reward model, by name or folder; `memory` is a folder."""
    model = await started(stack, engine(name), EngineRole.CLASSIFIER)
    return _closed_with(stack, Remembering(model, memory / f"{Path(name).name}.msgpack"))


def _closed_with(stack: AsyncExitStack, remembering: Remembering) -> Remembering:
    stack.push_async_callback(remembering.close)
    return remembering


def _done(answer: T) -> "asyncio.Future[T]":
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(answer)
    return future


def _is_answered(answer: "asyncio.Future[Any]") -> bool:
    return answer.done() and not answer.cancelled() and answer.exception() is None
