"""An engine of one's own: answers that somebody wrote before, from a table. No model, so no claim about quality."""

from pathlib import Path

import msgspec

from schemas.errors import EngineError, ErrorKind, ModelError
from schemas.samples import Classification, ClassificationRequest, Completion, FinishReason, GenerationRequest


class TableEngine:
    """Says the first text whose key stands in the prompt; its tokens are words. `table`: a file of one JSON object."""

    def __init__(self, table: str) -> None:
        self._path, self._texts = Path(table), dict[str, str]()

    async def start(self) -> None:
        try:
            self._texts = msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError) as error:
            raise ModelError(f"{self._path} is no table of answers: {error}") from error

    async def check(self) -> None:
        """A table cannot break."""

    async def close(self) -> None:
        self._texts = {}

    async def generate(self, request: GenerationRequest) -> Completion:
        prompt = "\n".join(message.content for message in request.messages)
        text = next((said for about, said in self._texts.items() if about in prompt), None)
        if text is None:
            raise EngineError(ErrorKind.PERMANENT, f"{self._path} says nothing of this prompt")
        words, most = text.split(" "), request.sampling.max_tokens
        finish = FinishReason.STOP if len(words) <= most else FinishReason.LENGTH
        return Completion(request.id, " ".join(words[:most]), finish, len(prompt.split()), len(words[:most]))

    async def classify(self, request: ClassificationRequest) -> Classification:
        raise EngineError(ErrorKind.PERMANENT, "a table of answers is no classifier")
