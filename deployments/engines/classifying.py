"""The loop of a classifier: waiting texts are read together, those of similar length in one pass. It runs on the
model's thread.

Law: a text's probabilities depend on it alone; padding and other texts in the pass change them by rounding at most.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar

import torch

from deployments.engines.model_thread import Inbox, Job
from schemas.samples import Classification, ClassificationRequest

PASS_TOKENS = 4096
"""The most tokens in one pass, with padding."""


class Tokens(Protocol):
    """Anything that is read as token ids."""

    ids: list[int]


T = TypeVar("T", bound=Tokens)


def batches(jobs: Sequence[T], max_batch: int) -> Iterator[list[T]]:
    """The jobs in batches, the shortest first, with at most `max_batch` jobs and PASS_TOKENS tokens in each."""
    batch: list[T] = []
    for job in sorted(jobs, key=lambda job: len(job.ids)):
        if batch and (len(batch) == max_batch or (len(batch) + 1) * len(job.ids) > PASS_TOKENS):
            yield batch
            batch = []
        batch.append(job)
    if batch:
        yield batch


def padded(jobs: Sequence[Tokens], pad_id: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and attention mask, one row for each job, padded on the right."""
    width = max(1, *(len(job.ids) for job in jobs))
    ids = torch.tensor([job.ids + [pad_id] * (width - len(job.ids)) for job in jobs])
    mask = torch.tensor([[1] * len(job.ids) + [0] * (width - len(job.ids)) for job in jobs])
    return ids.to(device), mask.to(device)


class Classifying(Job):
    """A text on its way."""

    def __init__(self, request: ClassificationRequest, ids: list[int], types: list[int] | None = None) -> None:
        super().__init__()
        self.request = request
        self.ids = ids
        self.types = types


class ClassifierBatch:
    """A sequence classifier over micro-batches of whatever waits."""

    def __init__(self, model: Any, *, pad_id: int, max_batch: int) -> None:
        self._model = model
        self._pad_id = pad_id
        self._max_batch = max_batch
        self.passes = 0
        """Passes through the model so far."""

    def serve(self, inbox: Inbox[Classifying]) -> None:
        """Until the inbox closes."""
        while (arrived := inbox.take(wait=True)) is not None:
            for jobs in batches([job for job in arrived if not job.cancelled], self._max_batch):
                for job, probabilities in zip(jobs, self._read(jobs), strict=True):
                    job.answer(Classification(job.request.id, tuple(probabilities), len(job.ids)))

    def _read(self, jobs: Sequence[Classifying]) -> list[list[float]]:
        self.passes += 1
        ids, mask = padded(jobs, self._pad_id, self._model.device)
        width = ids.shape[1]
        more = {}
        if any(job.types is not None for job in jobs):
            types = [job.types or [0] * len(job.ids) for job in jobs]
            more = {"token_type_ids": torch.tensor([row + [0] * (width - len(row)) for row in types]).to(ids.device)}
        logits = self._model(input_ids=ids, attention_mask=mask, **more).logits.float()
        return (torch.sigmoid(logits) if logits.shape[-1] == 1 else torch.softmax(logits, dim=-1)).tolist()
