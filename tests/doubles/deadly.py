"""DeadlyEngine: an instant engine that some requests kill, or that hangs. For faults, named as such."""

import asyncio
import os
from pathlib import Path

from msgspec import Struct, convert

from schemas.samples import Classification, ClassificationRequest, Completion, GenerationRequest
from tests.doubles.engines import InstantEngine, InstantOptions


class DeadlyOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """`poison`: a request that holds this text ends the process, as an engine's segmentation fault does. `hangs_once`:
    whoever makes this file first accepts requests and finishes none. `median_s`: as in InstantOptions."""

    poison: str = ""
    hangs_once: str = ""
    median_s: float = 0.02


class DeadlyEngine(InstantEngine):
    """Answers as InstantEngine does, unless it dies or hangs."""

    def __init__(self, options: DeadlyOptions) -> None:
        super().__init__(InstantOptions(median_s=options.median_s))
        self._deadly = options
        self._hangs = False

    async def start(self) -> None:
        """Takes the hanging's turn if nobody has."""
        if self._deadly.hangs_once:
            self._hangs = _first(Path(self._deadly.hangs_once))

    async def generate(self, request: GenerationRequest) -> Completion:
        await self._suffer(request.messages[-1].content)
        return await super().generate(request)

    async def classify(self, request: ClassificationRequest) -> Classification:
        await self._suffer(request.text)
        return await super().classify(request)

    async def _suffer(self, text: str) -> None:
        if self._hangs:
            await asyncio.Event().wait()
        if self._deadly.poison and self._deadly.poison in text:
            os._exit(139)


def _first(mark: Path) -> bool:
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def deadly(**options: str | float) -> DeadlyEngine:
    """Factory for a configuration's `engine: {kind: custom, factory: "tests.doubles.deadly:deadly"}`."""
    return DeadlyEngine(convert(options, DeadlyOptions, strict=False))
