"""A model that writes by rule. A subclass says what."""

from schemas.samples import Classification, ClassificationRequest, Completion, FinishReason, GenerationRequest


class Writer:
    """An engine of the generator's role. `asked`: every request so far."""

    def __init__(self) -> None:
        self.asked: list[GenerationRequest] = []

    def text(self, request: GenerationRequest) -> str:
        """What it writes."""
        raise NotImplementedError

    async def start(self) -> None:
        """Nothing to load."""

    async def check(self) -> None:
        """Always well."""

    async def close(self) -> None:
        """Nothing to free."""

    async def classify(self, request: ClassificationRequest) -> Classification:
        raise NotImplementedError

    async def generate(self, request: GenerationRequest) -> Completion:
        """40 tokens in, 10 out."""
        self.asked.append(request)
        return Completion(request.id, self.text(request), FinishReason.STOP, prompt_tokens=40, completion_tokens=10)
