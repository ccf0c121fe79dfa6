"""Hugging Face transformers inside the replica, with continuous batching.

Law: one thread owns the model. Requests wait for it in an inbox and join the running batch between two steps; the event
loop never computes. Nothing is retried: an error goes to its caller, and if the thread fails, every waiting call fails.

`json_schema` does not constrain completions here (a parser decides); everything else of a request is used. From the
model's own `generation_config` only the end-of-turn tokens are used.
"""

import asyncio
from typing import Any

from msgspec.structs import replace

from deployments.engines.chat import ChatTokenizer
from deployments.engines.classifying import ClassifierBatch, Classifying
from deployments.engines.contents import ContentTokenizer
from deployments.engines.decoding import DecodingBatch
from deployments.engines.facts import chat_facts, classifier_facts
from deployments.engines.generating import Generating, Generation
from deployments.engines.model_thread import ModelThread
from deployments.engines.pairs import PairTokenizer, joined
from deployments.engines.pretrained import load_model, load_tokenizer, longest_of, named_ends, rows_of
from deployments.engines.roles import EngineRole
from deployments.engines.scoring import ScorerBatch, ScoringJob
from deployments.engines.special_ids import agree_on_padding, turn_ends
from schemas.config_engines import TransformersEngine as Config
from schemas.errors import EngineError, ErrorKind
from schemas.role_cards import ModelFacts
from schemas.samples import (
    Classification,
    ClassificationRequest,
    Completion,
    Cost,
    GenerationRequest,
    LikelyToken,
    Scoring,
    ScoringRequest,
)


class TransformersBackend:
    """A generator, a scorer or a classifier, by role."""

    def __init__(self, config: Config, role: EngineRole) -> None:
        self._config = config
        self._role = role
        self._chats: ChatTokenizer
        self._texts: ContentTokenizer
        self._tokenizer: Any = None
        self._pairs: PairTokenizer | None = None
        self._longest: int | None = None
        self._facts = ModelFacts()
        self._work: Generation | ClassifierBatch | ScorerBatch
        self._thread: ModelThread[Any] | None = None

    @property
    def facts(self) -> ModelFacts:
        """Facts about the loaded model."""
        return self._facts

    @property
    def steps(self) -> int:
        """Passes through the model so far; batching makes them fewer."""
        return self._work.passes

    async def start(self) -> None:
        """Loads the model. Raises ModelError when it does not exist or does not fit its role."""
        self._work = await asyncio.to_thread(self._load)
        self._thread = ModelThread(self._work.serve)

    async def check(self) -> None:
        """Raises EngineError once the model's thread has died."""
        if self._thread is not None:
            self._thread.check()

    async def close(self) -> None:
        """Ends the model's thread; requests under way fail as retryable."""
        if self._thread is not None:
            await self._thread.close()

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion. If the caller leaves early, its row leaves the batch."""
        thread = self._ready(EngineRole.GENERATOR)
        prompt = self._chats.chat(request.messages)
        self._check_length(len(prompt) + 1)
        room = request.sampling.max_tokens if self._longest is None else self._longest - len(prompt)
        job = Generating(request, prompt, min(request.sampling.max_tokens, room))
        thread.put(job)
        try:
            return self._chats.as_turn(request, await job.result())
        finally:
            job.cancelled = True

    async def classify(self, request: ClassificationRequest) -> Classification:
        """Class probabilities of one text, or of a pair and its windows."""
        thread = self._ready(EngineRole.CLASSIFIER)
        if request.premise is not None:
            return await self._classify_pair(thread, request, request.premise)
        ids = self._texts.single(request.text)
        self._check_length(len(ids))
        job = Classifying(request, ids)
        thread.put(job)
        try:
            return await job.result()
        finally:
            job.cancelled = True

    async def _classify_pair(
        self, thread: ModelThread[Any], request: ClassificationRequest, premise: str
    ) -> Classification:
        jobs = [
            Classifying(request, pair.ids, pair.types) for pair in self._pair_reader().windows(premise, request.text)
        ]
        try:
            for job in jobs:
                thread.put(job)
            found = [await job.result() for job in jobs]
        finally:
            for job in jobs:
                job.cancelled = True
        return joined(found)

    def _pair_reader(self) -> PairTokenizer:
        if self._pairs is None:
            name = self._config.model
            self._pairs = PairTokenizer(self._tokenizer, self._texts, model=name, longest=self._longest)
        return self._pairs

    async def score(self, request: ScoringRequest) -> Scoring:
        """The log-probability of each token of the last message, in one pass."""
        thread = self._ready(EngineRole.SCORER)
        prompt, said = self._chats.begun(request.messages)
        self._check_length(len(prompt) + len(said))
        job = ScoringJob(prompt, said)
        thread.put(job)
        try:
            logprobs = await job.result()
        finally:
            job.cancelled = True
        tokens = zip(map(self._chats.token, said), logprobs, strict=True)
        return Scoring(request.id, tuple(LikelyToken(*each) for each in tokens), Cost(prompt_tokens=len(job.ids)))

    def _load(self) -> Generation | ClassifierBatch | ScorerBatch:
        config = self._config
        tokenizer = load_tokenizer(config.model, self._role)
        model = load_model(config, self._role, tokenizer)
        self._longest = longest_of(model)
        if self._role.chats:
            self._chats = ChatTokenizer.of(config, tokenizer, rows=rows_of(model.config))
            self._chats.check()
            pad_id = agree_on_padding(model, tokenizer, name=config.model)
            named = named_ends(config.model, model.config)
            ends = turn_ends(tokenizer, *named, rows=rows_of(model.config), name=config.model)
            known = chat_facts(self._chats, tokenizer, ends=ends, context=self._longest, slots=config.max_batch)
            self._facts = replace(known, padding=str(tokenizer.convert_ids_to_tokens(pad_id)))
            if self._role is EngineRole.SCORER:
                return ScorerBatch(model, pad_id=pad_id, max_batch=config.max_batch)
            return Generation(DecodingBatch(model, pad_id), tokenizer, end_ids=ends, max_batch=config.max_batch)
        self._tokenizer = tokenizer
        self._texts = ContentTokenizer(tokenizer, config.model)
        self._texts.check_single(rows_of(model.config))
        pad_id = agree_on_padding(model, tokenizer, name=config.model, after=self._texts.after)
        self._facts = classifier_facts(model.config, tokenizer, context=self._longest, slots=config.max_batch)
        return ClassifierBatch(model, pad_id=pad_id, max_batch=config.max_batch)

    def _ready(self, role: EngineRole) -> ModelThread[Any]:
        if role is not self._role:
            raise EngineError(ErrorKind.PERMANENT, f"{self._config.model} serves as a {self._role.value} here")
        if self._thread is None:
            raise EngineError(ErrorKind.RETRYABLE, "the engine is not running")
        return self._thread

    def _check_length(self, tokens: int) -> None:
        if self._longest is not None and tokens > self._longest:
            raise EngineError(ErrorKind.PERMANENT, f"{tokens} tokens asked of a model that reads {self._longest}")
