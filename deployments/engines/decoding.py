"""A batch that rows join and leave at every step: the model side of continuous batching, on one thread.

Law: a row's tokens depend on its own prompt, sampling and seed; other rows change them by rounding at most.
(transformers' own continuous batching has one seed for all requests and needs a paged attention kernel; hence this.)
Shapes: B rows, T columns; prompts are left-padded, so that every row's newest token is in the last column.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from msgspec import Struct
from transformers import DynamicCache

from deployments.engines.drawing import Settings
from deployments.engines.kv_store import KvStore, Layers
from deployments.engines.prefix import PrefixStore
from schemas.samples import Sampling

PREFILL_TOKENS = 8192
"""The most prompt tokens in one pass, with padding: this limits its memory."""


class DecodingRow(Struct, eq=False):
    """One completion in progress. `draws`: one for each token it may generate, so their number is its limit."""

    prompt: list[int]
    sampling: Sampling
    draws: list[float]
    keep_logprobs: bool
    keep_first: int = 0
    """How many of the first position's likeliest tokens to keep."""
    tokens: list[int] = []
    logprobs: list[float] = []
    first: list[tuple[int, float]] = []
    """Tokens of the first position with their log-probabilities, the likeliest first."""

    @property
    def length(self) -> int:
        """Positions of the row in the cache: its prompt, and its tokens except the newest."""
        return len(self.prompt) + len(self.tokens) - 1


class DecodingBatch:
    """The rows in progress, with their keys and values. All methods run on the model's thread."""

    def __init__(self, model: Any, pad_id: int) -> None:
        self._model = model
        self._pad_id = pad_id
        self._store = KvStore()
        self._prefixes = PrefixStore(self._read_alone)
        self._settings: Settings | None = None
        self.rows: list[DecodingRow] = []
        self.passes = 0
        """Passes through the model so far."""

    def admit(self, rows: Sequence[DecodingRow]) -> None:
        """Reads the rows' prompts, each different one once, and draws each row's first token."""
        for part in _passes(rows):
            self._read(part)
        self._settings = None

    def step(self) -> None:
        """One more token for every row."""
        device = self._model.device
        lengths = torch.tensor([row.length for row in self.rows], device=device)
        newest = torch.tensor([row.tokens[-1] for row in self.rows], device=device)
        columns = torch.arange(self._store.width + 1, device=device)
        mask = (columns >= (self._store.width - lengths)[:, None]).long()
        logits = self._forward(newest[:, None], mask, lengths[:, None], self._store.for_step())
        self._store.advance()
        if self._settings is None:
            self._settings = Settings([row.sampling for row in self.rows], device)
        _append(self.rows, logits, self._settings)

    def remove(self, leaving: Sequence[int]) -> None:
        """Removes the rows at these places; the last rows take their places."""
        gone = set(leaving)
        stay = len(self.rows) - len(gone)
        movers = (place for place in range(stay, len(self.rows)) if place not in gone)
        moves = list(zip(movers, sorted(place for place in gone if place < stay), strict=True))
        for source, target in moves:
            self.rows[target] = self.rows[source]
        del self.rows[stay:]
        width = max((row.length for row in self.rows), default=0)
        self._store.leave(moves, rows=stay, width=width)
        self._settings = None

    def _read(self, rows: Sequence[DecodingRow]) -> None:
        prompts = list({id(row.prompt): row.prompt for row in rows}.values())
        place_of = {id(prompt): place for place, prompt in enumerate(prompts)}
        logits, layers = self._read_prompts(prompts)
        device = self._model.device
        which = torch.tensor([place_of[id(row.prompt)] for row in rows], device=device)
        if len(prompts) < len(rows):
            logits = logits[which]
            layers = [(keys[which], values[which]) for keys, values in layers]
        self._store.join(layers)
        self.rows.extend(rows)
        _append(rows, logits, Settings([row.sampling for row in rows], device))

    def _read_prompts(self, prompts: Sequence[list[int]]) -> tuple[torch.Tensor, Layers]:
        """Logits after each prompt, and keys and values of all prompts, left-padded to one width."""
        lengths = [len(prompt) for prompt in prompts]
        width, known, device = max(lengths), self._prefixes.shared(prompts), self._model.device
        cache = DynamicCache()
        if known:
            for number, (keys, values) in enumerate(self._prefixes.filled(lengths, known)):
                cache.update(keys, values, number)
        ids = torch.tensor([([self._pad_id] * (width - len(prompt)) + prompt)[known:] for prompt in prompts])
        mask = torch.tensor([[0] * (width - length) + [1] * length for length in lengths])
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, known:]
        logits = self._forward(ids.to(device), mask.to(device), positions.to(device), cache)
        return logits, _layers(cache)

    def _read_alone(self, ids: list[int]) -> Layers:
        """Keys and values of one row."""
        device, cache = self._model.device, DynamicCache()
        mask = torch.ones((1, len(ids)), dtype=torch.long, device=device)
        self._forward(torch.tensor([ids], device=device), mask, mask.cumsum(-1) - 1, cache)
        return _layers(cache)

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any) -> torch.Tensor:
        """Logits of the last column, (B, V)."""
        self.passes += 1
        out = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return out.logits[:, -1].float()


def _layers(cache: Any) -> Layers:
    return [(layer.keys, layer.values) for layer in cache.layers]


def _append(rows: Sequence[DecodingRow], logits: torch.Tensor, settings: Settings) -> None:
    _keep_first(rows, logits)
    chosen = settings.draw(logits, [row.draws[len(row.tokens)] for row in rows])
    if any(row.keep_logprobs for row in rows):
        scores = torch.log_softmax(logits, dim=-1).gather(-1, chosen[:, None]).squeeze(-1).tolist()
        for row, score in zip(rows, scores, strict=True):
            row.logprobs.append(score)
    for row, token in zip(rows, chosen.tolist(), strict=True):
        row.tokens.append(token)


def _keep_first(rows: Sequence[DecodingRow], logits: torch.Tensor) -> None:
    asking = [number for number, row in enumerate(rows) if row.keep_first and not row.tokens]
    if not asking:
        return
    most = min(max(rows[number].keep_first for number in asking), logits.shape[-1])
    scores, tokens = torch.log_softmax(logits[asking], dim=-1).topk(most)
    for number, likeliest in zip(asking, zip(tokens.tolist(), scores.tolist(), strict=True), strict=True):
        rows[number].first = list(zip(*likeliest, strict=True))[: rows[number].keep_first]


def _passes(rows: Sequence[DecodingRow]) -> Iterator[list[DecodingRow]]:
    """The rows by length, in parts of at most PREFILL_TOKENS with their padding."""
    part: list[DecodingRow] = []
    for row in sorted(rows, key=lambda row: len(row.prompt)):
        if part and (len(part) + 1) * len(row.prompt) > PREFILL_TOKENS:
            yield part
            part = []
        part.append(row)
    if part:
        yield part
