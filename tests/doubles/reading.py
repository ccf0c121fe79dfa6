"""ReadingEngine: an engine that has read some passages and says so. For routing, never for a claim about quality."""

import os

from msgspec.structs import replace

from schemas.samples import Completion, GenerationRequest
from tests.doubles.engines import InstantEngine, InstantOptions

PROMPT_TOKENS, SHARED_TOKENS = 2000, 1900


class ReadingEngine(InstantEngine):
    """Answers with its process's number, of long prompts; the shared part of a passage's prompt is computed once."""

    def __init__(self) -> None:
        super().__init__(InstantOptions())
        self._read = set[str | None]()

    async def generate(self, request: GenerationRequest) -> Completion:
        cached = SHARED_TOKENS if request.passage_id in self._read else 0
        self._read.add(request.passage_id)
        answer = await super().generate(request)
        return replace(answer, text=str(os.getpid()), prompt_tokens=PROMPT_TOKENS, cached_tokens=cached)


def reading() -> ReadingEngine:
    """Factory for a configuration's `engine: {kind: custom, factory: "tests.doubles.reading:reading"}`."""
    return ReadingEngine()
