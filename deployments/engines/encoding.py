"""Texts to vectors: the mean of a Hugging Face model's last hidden states over a text's tokens.

Law: a text's vector is its own; padding and company change it by rounding at most. A text longer than the model reads
is cut at the model's length: vectors only serve to find it.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from deployments.engines.classifying import batches, padded
from deployments.engines.model_thread import Inbox, Job, ModelThread
from deployments.engines.pretrained import load_model, load_tokenizer
from deployments.engines.roles import EngineRole
from schemas.config import TransformersEngine


class Encoding(Job):
    """A text on its way."""

    def __init__(self, ids: list[int]) -> None:
        super().__init__(1)
        self.ids = ids


class Encoder:
    """A model on a thread of its own, asked for vectors. `of` loads it."""

    def __init__(self, model: Any, tokenizer: Any, *, max_batch: int) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._max_batch = max_batch
        self._longest: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self._thread: ModelThread[Encoding] = ModelThread(self._serve)

    @classmethod
    async def of(cls, config: TransformersEngine) -> "Encoder":
        """Loads the model. Raises ModelError when it does not exist or cannot be read."""
        return await asyncio.to_thread(cls._loaded, config)

    @classmethod
    def _loaded(cls, config: TransformersEngine) -> "Encoder":
        tokenizer = load_tokenizer(config.model, config.revision, EngineRole.ENCODER)
        return cls(load_model(config, EngineRole.ENCODER, tokenizer), tokenizer, max_batch=config.max_batch)

    async def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector a text. Raises EngineError once the model's thread has died."""
        jobs = [Encoding(self._tokenizer(text).input_ids[: self._longest]) for text in texts]
        for job in jobs:
            self._thread.put(job)
        return [await job.next_answer() for job in jobs]

    async def check(self) -> None:
        """Raises EngineError once the model's thread has died."""
        self._thread.check()

    async def close(self) -> None:
        """Ends the model's thread."""
        await self._thread.close()

    def _serve(self, inbox: Inbox[Encoding]) -> None:
        while (arrived := inbox.take(wait=True)) is not None:
            for jobs in batches(arrived, self._max_batch):
                for job, vector in zip(jobs, self._read(jobs), strict=True):
                    job.answer(vector)

    def _read(self, jobs: Sequence[Encoding]) -> list[list[float]]:
        ids, mask = padded(jobs, self._tokenizer.pad_token_id or 0, self._model.device)
        states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        weights = mask[..., None].float()
        return ((states * weights).sum(1) / weights.sum(1).clamp(min=1)).tolist()
