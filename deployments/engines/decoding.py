"""A batch that rows join and leave at every step: the model side of continuous batching, on one thread.

Law: what a row draws depends on its own prompt, sampling and seed; who shares the batch changes it by rounding at most.
Shapes: B rows, T cached positions, V vocabulary; the cache is left-padded, so that every row's newest token is last.
"""

from collections.abc import Sequence
from typing import Any

import torch
from msgspec import Struct
from transformers import DynamicCache

from schemas.samples import Sampling


class Row(Struct, eq=False):
    """One completion under way. `uniforms`: one draw for each token it may generate, fixed by its seed."""

    key: int
    index: int
    prompt: list[int]
    sampling: Sampling
    uniforms: torch.Tensor
    keep_logprobs: bool
    tokens: list[int] = []
    logprobs: list[float] = []
    length: int = 0
    """Cached positions that are the row's own."""


def uniforms(seed: int, index: int, count: int) -> torch.Tensor:
    """The draws of completion `index` of a request with that seed: (count,), in [0, 1)."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + index)
    return torch.rand(count, generator=generator)


class DecodingBatch:
    """The rows that are being decoded, their keys and values. All methods run on the model's thread."""

    def __init__(self, model: Any, pad_id: int) -> None:
        self._model = model
        self._pad_id = pad_id
        self._layers: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._next_ids = torch.empty(0, dtype=torch.long)
        self.rows: list[Row] = []
        self.steps = 0

    def admit(self, rows: Sequence[Row]) -> None:
        """Reads the rows' prompts in one pass and draws each one's first token."""
        width = max(len(row.prompt) for row in rows)
        ids = torch.full((len(rows), width), self._pad_id)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for place, row in enumerate(rows):
            ids[place, width - len(row.prompt) :] = torch.tensor(row.prompt)
            mask[place, width - len(row.prompt) :] = 1
            row.length = len(row.prompt)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        cache: Any = DynamicCache()
        logits = self._forward(ids, mask, positions, cache)
        self._join([(layer.keys, layer.values) for layer in cache.layers])
        self.rows.extend(rows)
        self._next_ids = torch.cat([self._next_ids, self._draw(rows, logits)])

    def step(self) -> None:
        """One more token for every row."""
        self.steps += 1
        lengths = torch.tensor([row.length for row in self.rows])
        width = self._layers[0][0].shape[-2]
        places = torch.arange(width + 1)
        mask = (places >= (width - lengths)[:, None]).long()
        cache: Any = DynamicCache()
        for number, (keys, values) in enumerate(self._layers):
            cache.update(keys, values, number)
        logits = self._forward(self._next_ids[:, None], mask, lengths[:, None], cache)
        self._layers = [(layer.keys, layer.values) for layer in cache.layers]
        for row in self.rows:
            row.length += 1
        self._next_ids = self._draw(self.rows, logits)

    def remove(self, places: Sequence[int]) -> None:
        """Rows leave; the cache is cut to what the others need."""
        leaving = set(places)
        kept = [place for place in range(len(self.rows)) if place not in leaving]
        self.rows = [self.rows[place] for place in kept]
        if not kept:
            self._layers, self._next_ids = [], self._next_ids[:0]
            return
        index = torch.tensor(kept, device=self._layers[0][0].device)
        width = max(row.length for row in self.rows)
        self._layers = [(keys[index, :, -width:], values[index, :, -width:]) for keys, values in self._layers]
        self._next_ids = self._next_ids[torch.tensor(kept)]

    def _forward(
        self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: DynamicCache
    ) -> torch.Tensor:
        device = self._model.device
        out = self._model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            position_ids=positions.to(device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return out.logits[:, -1].float().cpu()

    def _join(self, new: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        if not self._layers:
            self._layers = new
            return
        width = max(self._layers[0][0].shape[-2], new[0][0].shape[-2])
        self._layers = [
            (torch.cat([_padded(old_keys, width), _padded(keys, width)]),
             torch.cat([_padded(old_values, width), _padded(values, width)]))
            for (old_keys, old_values), (keys, values) in zip(self._layers, new, strict=True)
        ]  # fmt: skip

    def _draw(self, rows: Sequence[Row], logits: torch.Tensor) -> torch.Tensor:
        """One token a row from its logits (B, V), by inverting the cumulated probabilities at the row's next draw."""
        temperatures = torch.tensor([row.sampling.temperature for row in rows])
        probabilities = torch.softmax(logits / temperatures.clamp(min=1e-4)[:, None], dim=-1)
        top_p = torch.tensor([row.sampling.top_p for row in rows])
        if bool((top_p < 1).any()):
            probabilities = nucleus(probabilities, top_p)
        draws = torch.stack([row.uniforms[len(row.tokens)] for row in rows])
        cumulated = probabilities.double().cumsum(-1)
        drawn = torch.searchsorted(cumulated, (draws.double() * cumulated[:, -1])[:, None], right=True).squeeze(-1)
        drawn = drawn.clamp(max=logits.shape[-1] - 1)
        chosen = torch.where(temperatures > 0, drawn, logits.argmax(-1))
        if any(row.keep_logprobs for row in rows):
            scores = torch.log_softmax(logits, dim=-1).gather(-1, chosen[:, None]).squeeze(-1).tolist()
            for row, score in zip(rows, scores, strict=True):
                row.logprobs.append(score)
        for row, token in zip(rows, chosen.tolist(), strict=True):
            row.tokens.append(token)
        return chosen


def nucleus(probabilities: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Zero outside each row's smallest set of tokens that holds `top_p` of the probability (the first always stays)."""
    ordered, order = probabilities.sort(dim=-1, descending=True)
    outside = ordered.cumsum(-1) - ordered >= top_p[:, None]
    return probabilities.masked_fill(torch.zeros_like(outside).scatter(-1, order, outside), 0.0)


def _padded(cached: torch.Tensor, width: int) -> torch.Tensor:
    return torch.nn.functional.pad(cached, (0, 0, width - cached.shape[-2], 0))
