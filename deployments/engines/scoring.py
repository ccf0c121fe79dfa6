"""The loop of a scorer: waiting prompts are read together, those of similar length in one pass. It runs on the model's
thread.

Law: a text's log-probabilities depend on it alone; padding and other texts change them by rounding at most. Prompts are
left-padded, so that all scored tokens are in the last columns, and only their logits are computed.
"""

from collections.abc import Sequence
from typing import Any

import torch

from deployments.engines.classifying import batches
from deployments.engines.model_thread import Inbox, Job


class ScoringJob(Job):
    """A prompt, and after it the tokens to score."""

    def __init__(self, prompt: list[int], said: list[int]) -> None:
        super().__init__()
        self.ids = prompt + said
        self.said = said


class ScorerBatch:
    """A causal model over micro-batches of whatever waits."""

    def __init__(self, model: Any, *, pad_id: int, max_batch: int) -> None:
        self._model = model
        self._pad_id = pad_id
        self._max_batch = max_batch
        self.passes = 0
        """Passes through the model so far."""

    def serve(self, inbox: Inbox[ScoringJob]) -> None:
        """Runs until the inbox closes. A job's answer is one log-probability for each token to score."""
        while (arrived := inbox.take(wait=True)) is not None:
            for jobs in batches([job for job in arrived if not job.cancelled], self._max_batch):
                for job, logprobs in zip(jobs, self._read(jobs), strict=True):
                    job.answer(logprobs)

    def _read(self, jobs: Sequence[ScoringJob]) -> list[list[float]]:
        self.passes += 1
        width, longest = max(len(job.ids) for job in jobs), max(len(job.said) for job in jobs)
        ids = torch.tensor([[self._pad_id] * (width - len(job.ids)) + job.ids for job in jobs])
        mask = torch.tensor([[0] * (width - len(job.ids)) + [1] * len(job.ids) for job in jobs])
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        device = self._model.device
        ids = ids.to(device)
        out = self._model(
            input_ids=ids,
            attention_mask=mask.to(device),
            position_ids=positions.to(device),
            use_cache=False,
            logits_to_keep=longest + 1,  # the last column is for the token that would come next
        )
        logprobs = torch.log_softmax(out.logits[:, -longest - 1 : -1].float(), dim=-1)
        found = logprobs.gather(-1, ids[:, -longest:, None]).squeeze(-1).tolist()
        return [row[longest - len(job.said) :] for row, job in zip(found, jobs, strict=True)]
