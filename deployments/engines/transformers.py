"""Hugging Face transformers inside the replica, with continuous batching.

Law: one thread owns the model; requests wait for it in an inbox and join the running batch at its next step; the event
loop never computes. Nothing is retried: an error goes to its caller, and a failed thread fails everyone who waits.

`json_schema` does not constrain here (a parser decides); everything else of a request is kept. The model's own
`generation_config` gives the end-of-turn tokens and nothing else.
"""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import torch
from msgspec import Struct, field

from deployments.engines.chat import ChatTokenizer
from deployments.engines.decoding import DecodingBatch, Row, uniforms
from deployments.engines.pretrained import end_ids, load_model, load_tokenizer
from deployments.engines.roles import EngineRole
from schemas.config import TransformersEngine as Config
from schemas.errors import EngineError, ErrorKind
from schemas.samples import (
    Classification,
    ClassificationRequest,
    Completion,
    FinishReason,
    GenerationRequest,
)

JOIN_S = 30.0
"""Longest wait for the model's thread at the end: it leaves after the step it is in."""
CLASSIFY_ROWS = 32
"""Texts of similar length in one pass of a classifier."""


class Generating(Struct, eq=False):
    """A request's rows and where their completions go."""

    request: GenerationRequest
    prompt: list[int]
    deliver: Callable[[Completion | EngineError], None]
    cancelled: threading.Event = field(default_factory=threading.Event)


class Classifying(Struct, eq=False):
    request: ClassificationRequest
    ids: list[int]
    deliver: Callable[[Classification | EngineError], None]


class TransformersEngine:
    """A generator or a classifier, by role."""

    def __init__(self, config: Config, role: EngineRole) -> None:
        self._config = config
        self._role = role
        self._inbox: queue.SimpleQueue[Generating | Classifying | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._failed: EngineError | None = None
        self._tokens: ChatTokenizer
        self._tokenizer: Any
        self._model: Any
        self._end_ids: frozenset[int] = frozenset()
        self.steps = 0
        """Passes through the model so far: what batching saves."""

    async def start(self) -> None:
        """Loads the model. Raises ModelError when it does not exist or does not fit its role."""
        if self._config.threads is not None:
            torch.set_num_threads(self._config.threads)
        await asyncio.to_thread(self._load)
        target = self._generate_for_ever if self._role is EngineRole.GENERATOR else self._classify_for_ever
        self._thread = threading.Thread(target=self._guarded, args=(target,), name="model", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Ends the model's thread; requests under way fail as retryable."""
        self._inbox.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, JOIN_S)

    async def generate(self, request: GenerationRequest) -> AsyncIterator[Completion]:
        """Each of the `n` completions when it is done; leaving early takes the others out of the batch."""
        self._expect(EngineRole.GENERATOR)
        prompt = self._tokens.chat(request.messages)
        self._check_length(len(prompt) + request.sampling.max_tokens)
        done: asyncio.Queue[Completion | EngineError] = asyncio.Queue()
        job = Generating(request, prompt, _to_loop(done.put_nowait))
        self._inbox.put(job)
        try:
            for _ in range(request.n):
                result = await done.get()
                if isinstance(result, EngineError):
                    raise result
                yield result
        finally:
            job.cancelled.set()

    async def classify(self, request: ClassificationRequest) -> Classification:
        """Class probabilities of one text."""
        self._expect(EngineRole.CLASSIFIER)
        ids = self._tokens.with_special_tokens(request.text)
        self._check_length(len(ids))
        done: asyncio.Future[Classification | EngineError] = asyncio.get_running_loop().create_future()

        def deliver(result: Classification | EngineError) -> None:
            if not done.done():
                done.set_result(result)

        self._inbox.put(Classifying(request, ids, _to_loop(deliver)))
        result = await done
        if isinstance(result, EngineError):
            raise result
        return result

    def _load(self) -> None:
        self._tokenizer = load_tokenizer(self._config.model, self._config.revision, self._role)
        self._model = load_model(self._config, self._role, self._tokenizer)
        self._tokens = ChatTokenizer(self._tokenizer, self._config.model)
        self._end_ids = end_ids(self._model, self._tokenizer)

    def _expect(self, role: EngineRole) -> None:
        if self._failed is not None:
            raise EngineError(self._failed.kind, self._failed.detail)
        if role is not self._role:
            raise EngineError(ErrorKind.PERMANENT, f"{self._config.model} serves as a {self._role.value} here")

    def _check_length(self, tokens: int) -> None:
        longest = getattr(self._model.config, "max_position_embeddings", None)
        if longest is not None and tokens > longest:
            raise EngineError(ErrorKind.PERMANENT, f"{tokens} tokens asked of a model that reads {longest}")

    def _guarded(self, target: Callable[[], None]) -> None:
        try:
            with torch.inference_mode():
                target()
            self._failed = EngineError(ErrorKind.RETRYABLE, "the engine was closed")
        except Exception as error:  # noqa: BLE001 - told to every caller, now and later
            self._failed = EngineError(ErrorKind.RETRYABLE, f"the model's thread died: {type(error).__name__}: {error}")
        with suppress(queue.Empty):
            while True:
                job = self._inbox.get_nowait()
                if job is not None:
                    job.deliver(self._failed)

    def _generate_for_ever(self) -> None:
        batch = DecodingBatch(self._model, self._tokenizer.pad_token_id or 0)
        jobs: dict[int, Generating] = {}
        rows: list[Row] = []
        number = 0
        try:
            while True:
                arrived = self._arrived(wait=not batch.rows and not rows, limit=self._config.max_batch)
                if arrived is None:
                    return
                for job in arrived:
                    assert isinstance(job, Generating)
                    for index in range(job.request.n):
                        jobs[number] = job
                        rows.append(_row(number, index, job))
                        number += 1
                room = self._config.max_batch - len(batch.rows)
                entering, rows = rows[:room], rows[room:]
                entering = [row for row in entering if not jobs[row.key].cancelled.is_set()]
                if batch.rows:
                    batch.step()
                if entering:
                    batch.admit(entering)
                    self.steps += 1
                self.steps += bool(batch.rows)
                self._finish(batch, jobs)
        finally:
            error = EngineError(ErrorKind.RETRYABLE, "the engine stopped before this completion")
            for job in {id(job): job for job in jobs.values()}.values():
                job.deliver(error)

    def _finish(self, batch: DecodingBatch, jobs: dict[int, Generating]) -> None:
        leaving = []
        for place, row in enumerate(batch.rows):
            job = jobs[row.key]
            if job.cancelled.is_set():
                leaving.append(place)
                del jobs[row.key]
                continue
            completion = self._completion(row, job)
            if completion is not None:
                leaving.append(place)
                del jobs[row.key]
                job.deliver(completion)
        if leaving:
            batch.remove(leaving)

    def _completion(self, row: Row, job: Generating) -> Completion | None:
        """The row's completion if its newest token ends it."""
        request = job.request
        ended = row.tokens[-1] in self._end_ids
        tokens = row.tokens[:-1] if ended else row.tokens
        stopped = False
        text = ""
        if request.stop and not ended:
            text = self._tokenizer.decode(tokens, skip_special_tokens=True)
            cut = min((at for at in (text.find(stop) for stop in request.stop) if at >= 0), default=-1)
            stopped, text = cut >= 0, text[:cut]
        full = len(row.tokens) >= request.sampling.max_tokens
        if not (ended or stopped or full):
            return None
        if not stopped:
            text = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return Completion(
            request_id=request.id,
            index=row.index,
            text=text,
            finish=FinishReason.STOP if ended or stopped else FinishReason.LENGTH,
            prompt_tokens=len(row.prompt) if row.index == 0 else 0,
            completion_tokens=len(row.tokens),
            logprobs=tuple(row.logprobs) if request.logprobs else None,
        )

    def _classify_for_ever(self) -> None:
        while True:
            arrived = self._arrived(wait=True, limit=self._config.max_batch)
            if arrived is None:
                return
            jobs = sorted((job for job in arrived if isinstance(job, Classifying)), key=lambda job: len(job.ids))
            for start in range(0, len(jobs), CLASSIFY_ROWS):
                self._classify_batch(jobs[start : start + CLASSIFY_ROWS])

    def _classify_batch(self, jobs: list[Classifying]) -> None:
        self.steps += 1
        width = max(len(job.ids) for job in jobs)
        ids = torch.full((len(jobs), width), self._tokenizer.pad_token_id or 0)
        mask = torch.zeros((len(jobs), width), dtype=torch.long)
        for place, job in enumerate(jobs):
            ids[place, : len(job.ids)] = torch.tensor(job.ids)
            mask[place, : len(job.ids)] = 1
        device = self._model.device
        logits = self._model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits.float().cpu()
        probabilities = torch.sigmoid(logits) if logits.shape[-1] == 1 else torch.softmax(logits, dim=-1)
        for job, row in zip(jobs, probabilities.tolist(), strict=True):
            job.deliver(Classification(job.request.id, tuple(row), len(job.ids)))

    def _arrived(self, *, wait: bool, limit: int) -> list[Generating | Classifying] | None:
        """What waits in the inbox, up to `limit`; None when the engine is to end. Blocks only when there is no work."""
        arrived: list[Generating | Classifying] = []
        while len(arrived) < limit:
            try:
                job = self._inbox.get(block=wait and not arrived)
            except queue.Empty:
                break
            if job is None:
                for other in arrived:
                    other.deliver(EngineError(ErrorKind.RETRYABLE, "the engine was closed"))
                return None
            arrived.append(job)
        return arrived


def _row(key: int, index: int, job: Generating) -> Row:
    sampling = job.request.sampling
    draws = uniforms(sampling.seed, index, sampling.max_tokens)
    return Row(key, index, job.prompt, sampling, draws, job.request.logprobs)


def _to_loop(deliver: Callable[[Any], None]) -> Callable[[Any], None]:
    """The same call, made on the caller's event loop; a loop that has ended needs nothing any more."""
    loop = asyncio.get_running_loop()

    def call(result: Any) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(deliver, result)

    return call
