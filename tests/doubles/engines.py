"""InstantEngine: no model, no model time. For load and for faults, never for a claim about quality.

Deterministic: what it answers depends on the request's content alone (the prompt's passage, the sampling's seed),
so two runs with one seed agree sample for sample.
"""

import asyncio
import json
import math
import time
from pathlib import Path
from random import Random

from msgspec import Struct, convert

from schemas.errors import EngineError, ErrorKind, ModelError
from schemas.ids import content_id
from schemas.samples import (
    Classification,
    ClassificationRequest,
    Completion,
    Cost,
    FinishReason,
    GenerationRequest,
    LikelyToken,
    Scoring,
    ScoringRequest,
)

WORDS_PER_ANSWER = 24


class InstantOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """`rejected`: share of drafts that a classifier, or a judge by labels or a rubric, scores low; `malformed`: share
    of completions that do not parse; `failing`: share of requests that always fail; `median_s`, `sigma`: lognormal
    service time; `slots`: how many at once; `instant_after`: once this file is there, answers take no time any
    more; `held`: share of requests that wait for the file `held_until`; `stopped_while`: no generation begins
    while this file is there; `journal`: file that gets a line for every generation that begins; `away_after_s`,
    `away_s`: from so long after its start on, every request fails at once for so long; `away_while`: so it does
    while this file is there, in the words and with the kind (`refused`, `retryable`, …) that stand in it."""

    rejected: float = 0.0
    malformed: float = 0.0
    failing: float = 0.0
    median_s: float = 0.0
    sigma: float = 0.6
    slots: int = 64
    instant_after: str = ""
    held: float = 0.0
    held_until: str = ""
    stopped_while: str = ""
    journal: str = ""
    away_after_s: float = 0.0
    away_s: float = 0.0
    away_while: str = ""


class InstantEngine:
    """Answers at once, or after a drawn time with at most `slots` at once."""

    def __init__(self, options: InstantOptions) -> None:
        self._options = options
        self._slots = asyncio.Semaphore(options.slots)
        self._started_at = 0.0
        self.served = 0

    @property
    def slots(self) -> int:
        """How many are answered at once."""
        return self._options.slots

    async def start(self) -> None:
        """Nothing to load."""
        self._started_at = time.monotonic()

    async def check(self) -> None:
        """Always well."""

    async def close(self) -> None:
        """Nothing to free."""

    async def generate(self, request: GenerationRequest) -> Completion:
        self._note(request.id)
        key = content_id(request.messages[-1].content, request.sampling.seed, 0)
        while self._stopped():  # noqa: ASYNC110  (a file is no event)
            await asyncio.sleep(0.02)
        await self._serve(key)
        if request.top_logprobs:
            return self._labelled(request, content_id(request.messages[-1].content))
        return Completion(
            request_id=request.id,
            text=self._text(key) if request.json_schema is None else self._marks(request.json_schema, key),
            finish=FinishReason.STOP,
            prompt_tokens=128,
            completion_tokens=WORDS_PER_ANSWER,
        )

    async def classify(self, request: ClassificationRequest) -> Classification:
        key = content_id(request.text)
        await self._serve(key)
        good = self._good(key)
        return Classification(request_id=request.id, probabilities=(1 - good, good), prompt_tokens=128)

    def _good(self, key: str) -> float:
        return 0.1 if _is_of(self._options.rejected, key, "rejected") else 0.9

    def _labelled(self, request: GenerationRequest, key: str) -> Completion:
        good = self._good(key)
        first = (LikelyToken("Yes", math.log(good)), LikelyToken("No", math.log(1 - good)))
        return Completion(request.id, "Yes", FinishReason.LENGTH, 128, 1, first_tokens=first)

    async def score(self, request: ScoringRequest) -> Scoring:
        said, before = request.messages[-1].content, request.messages[-2].content
        key = content_id(said)
        await self._serve(key)
        good = self._good(key)
        gain = math.log(good / (1 - good)) if "Passage: <<<" in before else 0.0
        tokens = tuple(LikelyToken(word, -4.0 + gain) for word in said.split())
        return Scoring(request.id, tokens, Cost(prompt_tokens=128))

    async def _serve(self, key: str) -> None:
        self.served += 1
        if 0 <= time.monotonic() - self._started_at - self._options.away_after_s < self._options.away_s:
            raise EngineError(ErrorKind.RETRYABLE, "nobody answers there")
        self._raise_while_away()
        while self._held(key):  # noqa: ASYNC110  (a file is no event)
            await asyncio.sleep(0.1)
        if self._options.median_s > 0 and not self._released():
            async with self._slots:
                wait_s = self._options.median_s * Random(key).lognormvariate(0, self._options.sigma)
                await self._compute(0 if self._released() else wait_s)
        if _is_of(self._options.failing, key, "failing"):
            raise EngineError(ErrorKind.RETRYABLE, "this request always fails")

    async def _compute(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)

    def _note(self, request_id: str) -> None:
        if self._options.journal:
            with Path(self._options.journal).open("a") as journal:  # one short line: whole, whoever else writes
                journal.write(f"{time.time()} {request_id}\n")

    def _raise_while_away(self) -> None:
        if self._options.away_while and Path(self._options.away_while).exists():
            kind, _, words = Path(self._options.away_while).read_text().partition(" ")
            raise EngineError(ErrorKind(kind), words)

    def _stopped(self) -> bool:
        return bool(self._options.stopped_while) and Path(self._options.stopped_while).exists()

    def _held(self, key: str) -> bool:
        return _is_of(self._options.held, key, "held") and not Path(self._options.held_until).exists()

    def _released(self) -> bool:
        return bool(self._options.instant_after) and Path(self._options.instant_after).exists()

    def _marks(self, schema: str, key: str) -> str:
        """What a judge by a rubric says: good or bad in every dimension."""
        mark = 1 if _is_of(self._options.rejected, key, "rejected") else 9
        return json.dumps(dict.fromkeys(json.loads(schema)["properties"], mark))

    def _text(self, key: str) -> str:
        if _is_of(self._options.malformed, key, "malformed"):
            return f"I would rather talk about {key}."
        return f"Question: What does entry {key[:12]} of register {key[12:20]} state?\nAnswer: It states {key[20:]}."


def _is_of(share: float, key: str, what: str) -> bool:
    """Whether the request is one of that share. A share of nothing costs nothing: what is around an engine is
    measured with this one."""
    return share > 0 and int(content_id(key, what)[:8], 16) / 2**32 < share


def instant(**options: str | float | bool) -> InstantEngine:
    """Factory for a configuration's `engine: {kind: custom, factory: "tests.doubles.engines:instant"}`."""
    return InstantEngine(convert(options, InstantOptions, strict=False))


class NoModel(InstantEngine):
    """Cannot start: its model does not exist."""

    async def start(self) -> None:
        raise ModelError("there is no model 'atlantis'; name a folder or a Hugging Face model")


def no_model() -> NoModel:
    """Factory of an engine that cannot start."""
    return NoModel(InstantOptions())
