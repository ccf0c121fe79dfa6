"""A model that says what a test tells it to, and keeps what it was asked: for tests of what reads its answers."""

from schemas.errors import EngineError, ErrorKind
from schemas.samples import (
    Classification,
    ClassificationRequest,
    Completion,
    FinishReason,
    GenerationRequest,
    LikelyToken,
)


class ScriptedEngine:
    """Says its texts in turn, one a request, and fails as an engine does when they run out; an exception is raised.

    As a classifier it gives the same probabilities to every text; `first_tokens` come with every text.
    """

    def __init__(
        self,
        *script: str | Exception,
        finish: FinishReason = FinishReason.STOP,
        probabilities: tuple[float, ...] = (0.2, 0.8),
        first_tokens: tuple[LikelyToken, ...] | None = None,
    ) -> None:
        self._script = list(script)
        self._finish = finish
        self._probabilities = probabilities
        self._first_tokens = first_tokens
        self.generations: list[GenerationRequest] = []
        self.texts: list[str] = []

    async def start(self) -> None:
        """Nothing to load."""

    async def check(self) -> None:
        """Always well."""

    async def close(self) -> None:
        """Nothing to free."""

    async def generate(self, request: GenerationRequest) -> Completion:
        """The next text of the script: 40 tokens in, 7 out."""
        self.generations.append(request)
        if not self._script:
            raise EngineError(ErrorKind.RETRYABLE, "the script has ended")
        said = self._script.pop(0)
        if isinstance(said, Exception):
            raise said
        return Completion(
            request_id=request.id,
            text=said,
            finish=self._finish,
            prompt_tokens=40,
            completion_tokens=7,
            first_tokens=self._first_tokens if request.top_logprobs else None,
        )

    async def classify(self, request: ClassificationRequest) -> Classification:
        """The script's probabilities: 40 tokens in."""
        self.texts.append(request.text)
        return Classification(request_id=request.id, probabilities=self._probabilities, prompt_tokens=40)
