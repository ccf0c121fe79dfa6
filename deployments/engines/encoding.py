"""Texts to vectors: a Hugging Face model's last hidden states over a text's tokens, pooled as the model was trained.

Law: a text's vector depends on it alone; padding and other texts change it by rounding at most. A text is never read as
markup. If it is too long for the model, its end is cut off: vectors only serve to find and compare texts.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import torch

from deployments.engines.classifying import batches, padded
from deployments.engines.contents import ContentTokenizer
from deployments.engines.model_thread import Inbox, Job, ModelThread
from deployments.engines.pooling import FormKeys, TextForm, text_form
from deployments.engines.pretrained import load_model, load_tokenizer, longest_of, rows_of
from deployments.engines.roles import EngineRole
from deployments.engines.special_ids import agree_on_padding
from schemas.config_engines import TransformersEngine
from schemas.config_gates import Pooling
from schemas.vectors import Encoded


class Encoding(Job):
    """A text on its way."""

    def __init__(self, ids: list[int]) -> None:
        super().__init__()
        self.ids = ids


class Encoder:
    """A model on a thread of its own that makes vectors. `of` loads it."""

    def __init__(self, model: Any, tokenizer: Any, config: TransformersEngine, form: TextForm) -> None:
        self._model = model
        self._form = form
        self._max_batch = config.max_batch
        self._texts = ContentTokenizer(tokenizer, config.model)
        self._texts.check_single(rows_of(model.config))
        self._pad_id = agree_on_padding(model, tokenizer, name=config.model, after=self._texts.after)
        limits = [limit for limit in (longest_of(model), form.longest) if limit is not None]
        self._longest = min(limits, default=None)
        self._thread: ModelThread[Encoding] = ModelThread(self._serve)

    @classmethod
    async def of(cls, config: TransformersEngine, keys: FormKeys | None = None) -> "Encoder":
        """Loads the model. Raises ModelError when it does not exist, cannot be read or pools in a way not known here.

        Where `keys` say nothing of pooling and prefixes, the model's folder decides.
        """
        return await asyncio.to_thread(cls._loaded, config, FormKeys() if keys is None else keys)

    @classmethod
    def _loaded(cls, config: TransformersEngine, keys: FormKeys) -> "Encoder":
        tokenizer = load_tokenizer(config.model, EngineRole.ENCODER)
        form = text_form(keys, config.model)
        return cls(load_model(config, EngineRole.ENCODER, tokenizer), tokenizer, config, form)

    async def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each passage. Raises EngineError once the model's thread has died."""
        return await self._encode([self._form.passage_prefix + text for text in texts])

    async def encode_queries(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each query. Raises EngineError once the model's thread has died."""
        return await self._encode([self._form.query_prefix + text for text in texts])

    async def embed(self, text: str) -> Encoded:
        """The vector of one text, as a query, with its number of tokens. Raises EngineError likewise."""
        job = Encoding(self._texts.single(self._form.query_prefix + text, self._longest))
        self._thread.put(job)
        return Encoded(await job.result(), len(job.ids))

    async def _encode(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        jobs = [Encoding(self._texts.single(text, self._longest)) for text in texts]
        for job in jobs:
            self._thread.put(job)
        return [await job.result() for job in jobs]

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
        ids, mask = padded(jobs, self._pad_id, self._model.device)
        states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        return pooled(states, mask, self._form.pooling).tolist()


def pooled(states: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """One vector for each text, (B, H), from hidden states (B, T, H) that are padded on the right."""
    match pooling:
        case "cls":
            return states[:, 0]
        case "last":
            last = (mask.sum(1) - 1).clamp(min=0)
            return states[torch.arange(len(states), device=states.device), last]
        case "mean":
            weights = mask[..., None].float()
            return (states * weights).sum(1) / weights.sum(1).clamp(min=1)
