"""The simulated model as an engine. Law: a line of the journal for every call that it answers, so that what a run costs
is counted where it is paid for."""

import asyncio
import json

import msgspec
from msgspec import Struct

from benchmarks.simulated.model import Quality, SimulatedModel
from benchmarks.simulated.prompts import classified, understood
from schemas.samples import Classification, ClassificationRequest, Completion, FinishReason, GenerationRequest

CHARACTERS_A_TOKEN = 4
LONGEST_TURNS = 200
CLASSIFIED = "classifier"
"""The kind of a classifier's calls."""


class PaidCall(Struct, frozen=True):
    """One answered call: its kind, and the tokens of prompt and completion."""

    kind: str
    prompt: int
    completion: int


class SimulatedEngine:
    """Answers after a drawn number of turns of the event loop, so that the orders of a passage do not go in step once
    each is repaired alone, as with a real engine. A token is four characters."""

    def __init__(self, model: SimulatedModel, journal: str) -> None:
        self._model = model
        self._journal = open(journal, "ab", buffering=0)  # noqa: SIM115 - closed with the engine

    async def start(self) -> None:
        """Nothing to load."""

    async def check(self) -> None:
        """Always well."""

    async def close(self) -> None:
        self._journal.close()

    async def generate(self, request: GenerationRequest) -> Completion:
        row, asked = understood(request)
        for _ in range(1 + int(LONGEST_TURNS * self._model.chance.unit("turns", asked[0].key))):
            await asyncio.sleep(0)
        text = json.dumps(row.write(self._model, asked), ensure_ascii=False)
        finish, limit = FinishReason.STOP, request.sampling.max_tokens
        if tokens_of(text) > limit:
            text, finish = text[: CHARACTERS_A_TOKEN * limit], FinishReason.LENGTH
        paid = PaidCall(row.label, sum(tokens_of(each.content) for each in request.messages), tokens_of(text))
        self._journal.write(msgspec.json.encode(paid) + b"\n")
        return Completion(request.id, text, finish, paid.prompt, paid.completion)

    async def classify(self, request: ClassificationRequest) -> Classification:
        """Drafts of one passage that come together are answered together, as by a replica that computes them in one
        batch."""
        asked = classified(request.text)
        for _ in range(1 + int(LONGEST_TURNS * self._model.chance.unit("turns", asked.passage))):
            await asyncio.sleep(0)
        likely, tokens = self._model.likely(asked), tokens_of(request.text)
        self._journal.write(msgspec.json.encode(PaidCall(CLASSIFIED, tokens, 0)) + b"\n")
        return Classification(request.id, (1 - likely, likely), tokens)


def tokens_of(text: str) -> int:
    """As many as the text has characters, by four; at least one."""
    return max(1, (len(text) + CHARACTERS_A_TOKEN - 1) // CHARACTERS_A_TOKEN)


def engine(journal: str, seed: int = 0, classifier: float = Quality.classifier) -> SimulatedEngine:
    """For `kind: custom`."""
    return SimulatedEngine(SimulatedModel(Quality(seed=seed, classifier=classifier)), journal)
