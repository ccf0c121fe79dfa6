"""The models of a run with a cascade, in one engine: a writer, a small classifier and a judge."""

import json

from schemas.ids import derived_seed
from schemas.samples import Classification, ClassificationRequest, Completion, FinishReason, GenerationRequest
from tests.doubles.probed import RIGHT, WRONG

_DRAWS = float(0x8000_0000)
QUOTE = "Its founder was Oda Lind."


class CascadeEngine:
    """Writes the wrong name in a quarter of its answers. Its classifier is sure of the name, but for a tenth of the
    texts, which it finds middling; its judge always knows."""

    async def start(self) -> None: ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    async def generate(self, request: GenerationRequest) -> Completion:
        asked = request.messages[-1].content
        if "Reply with the JSON object only" in asked:
            wrong = WRONG in asked
            claim = {"claim": "the founder", "supported": not wrong, "quote": "" if wrong else QUOTE}
            text = json.dumps({"claims": [claim], "score": 0.1 if wrong else 0.9})
            return Completion(request.id, text, FinishReason.STOP, prompt_tokens=100, completion_tokens=20)
        name = WRONG if _drawn("name", request.id) < 0.25 else RIGHT
        text = f"Question: Who founded entry {request.id}?\nAnswer: {name}"
        return Completion(request.id, text, FinishReason.STOP, prompt_tokens=10, completion_tokens=5)

    async def classify(self, request: ClassificationRequest) -> Classification:
        said = _drawn("sure", request.text) / 5
        likely = 0.5 if _drawn("middling", request.text) < 0.1 else said if WRONG in request.text else 1 - said
        return Classification(request.id, (1 - likely, likely), 7)


def _drawn(*parts: str) -> float:
    return derived_seed(*parts) / _DRAWS


def engine() -> CascadeEngine:
    """For `kind: custom`."""
    return CascadeEngine()
