"""The loop of a classifier: what waits is read together, texts of similar length in one pass. On the model's thread.

Law: a text's probabilities are its own; padding and company change them by rounding at most.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from deployments.engines.model_thread import Inbox, Job
from schemas.samples import Classification, ClassificationRequest

PASS_TOKENS = 4096
"""Tokens, padding included, in one pass."""


class Classifying(Job):
    """A text on its way."""

    def __init__(self, request: ClassificationRequest, ids: list[int]) -> None:
        super().__init__(1)
        self.request = request
        self.ids = ids


class Classifier:
    """A sequence classifier over micro-batches of whatever waits."""

    def __init__(self, model: Any, tokenizer: Any, *, max_batch: int) -> None:
        self._model = model
        self._pad_id = tokenizer.pad_token_id or 0
        self._max_batch = max_batch
        self.passes = 0
        """Passes through the model so far."""

    def serve(self, inbox: Inbox[Classifying]) -> None:
        """Until the inbox closes."""
        while (arrived := inbox.take(wait=True)) is not None:
            for jobs in self._batches([job for job in arrived if not job.cancelled]):
                for job, probabilities in zip(jobs, self._read(jobs), strict=True):
                    job.answer(Classification(job.request.id, tuple(probabilities), len(job.ids)))

    def _batches(self, jobs: Sequence[Classifying]) -> Iterator[list[Classifying]]:
        batch: list[Classifying] = []
        for job in sorted(jobs, key=lambda job: len(job.ids)):
            if batch and (len(batch) == self._max_batch or (len(batch) + 1) * len(job.ids) > PASS_TOKENS):
                yield batch
                batch = []
            batch.append(job)
        if batch:
            yield batch

    def _read(self, jobs: Sequence[Classifying]) -> list[list[float]]:
        self.passes += 1
        width = max(1, *(len(job.ids) for job in jobs))
        ids = torch.tensor([job.ids + [self._pad_id] * (width - len(job.ids)) for job in jobs])
        mask = torch.tensor([[1] * len(job.ids) + [0] * (width - len(job.ids)) for job in jobs])
        device = self._model.device
        logits = self._model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits.float()
        return (torch.sigmoid(logits) if logits.shape[-1] == 1 else torch.softmax(logits, dim=-1)).tolist()
