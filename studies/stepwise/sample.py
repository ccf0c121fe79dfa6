"""Completions of many prefixes at once, with a cache of fixed places.

Law: what is drawn depends on the net, the prefixes, the temperature and the seed alone. Rows that have ended leave the
batch, so the longest does not make the others pay.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from studies.stepwise.net import NEVER, Net

COMPACT_EVERY = 8
"""Tokens between two looks at which rows have ended."""


@dataclass(frozen=True)
class Sampler:
    """How completions are drawn. `temperature` 0: the likeliest token each time. `longest`: tokens, after which a
    completion is cut. `batch`: rows at once."""

    pad: int
    end: int
    temperature: float = 1.0
    longest: int = 80
    batch: int = 256

    def completions(self, net: Net, prefixes: Sequence[Sequence[int]], *, seed: int) -> list[tuple[int, ...]]:
        """One completion for each prefix, end mark included, in the order of the prefixes."""
        order = sorted(range(len(prefixes)), key=lambda index: len(prefixes[index]))
        device = next(net.parameters()).device
        dice = torch.Generator(device=device).manual_seed(seed)
        found: dict[int, tuple[int, ...]] = {}
        for start in range(0, len(order), self.batch):
            part = order[start : start + self.batch]
            found |= dict(zip(part, self._batch(net, [prefixes[i] for i in part], dice), strict=True))
        return [found[index] for index in range(len(prefixes))]

    @torch.inference_mode()
    def _batch(self, net: Net, prefixes: list[Sequence[int]], dice: torch.Generator) -> list[tuple[int, ...]]:
        device = dice.device
        rows, first = len(prefixes), max(len(prefix) for prefix in prefixes)
        room = min(self.longest, net.config.max_position_embeddings - first)
        ids = torch.full((rows, first), self.pad)
        for index, prefix in enumerate(prefixes):
            ids[index, first - len(prefix) :] = torch.tensor(prefix)
        ids = ids.to(device)
        skipped = torch.tensor([first - len(prefix) for prefix in prefixes], device=device)
        said = torch.full((rows, room), self.pad, device=device)
        alive = torch.arange(rows, device=device)
        places = torch.arange(first, device=device)
        hidden = (places[None, None, :] > places[None, :, None]) | (places[None, None, :] < skipped[:, None, None])
        bias = torch.zeros(hidden.shape, device=device).masked_fill(hidden, NEVER)[:, None]
        caches = [self._cache(net, rows, first + room, device) for _ in range(net.config.num_hidden_layers)]
        positions = (places[None] - skipped[:, None]).clamp(min=0)
        state = net.states(ids, positions, bias, [cache[:, :, :, :first] for cache in caches])[:, -1]
        for step in range(room):
            token = self._drawn(net.scores(state).float(), dice)
            said[alive, step] = token
            going = (said[alive] != self.end).all(dim=1)
            if not going.any() or step + 1 == room:
                break
            if step % COMPACT_EVERY == COMPACT_EVERY - 1 and not going.all():
                alive, token, skipped = alive[going], token[going], skipped[going]
                caches = [cache[:, going] for cache in caches]
            seen = first + step + 1
            late = torch.arange(seen, device=device)[None, :] < skipped[:, None]
            bias = torch.zeros(late.shape, device=device).masked_fill(late, NEVER)[:, None, None]
            at = (seen - 1 - skipped)[:, None]
            state = net.states(token[:, None], at, bias, [cache[:, :, :, :seen] for cache in caches])[:, -1]
        return [self._until_end(row) for row in said.tolist()]

    def _cache(self, net: Net, rows: int, length: int, device: torch.device) -> torch.Tensor:
        heads = net.config.num_attention_heads
        return torch.zeros(2, rows, heads, length, net.config.hidden_size // heads, device=device)

    def _drawn(self, scores: torch.Tensor, dice: torch.Generator) -> torch.Tensor:
        if self.temperature == 0:
            return scores.argmax(dim=-1)
        # The exponential race: the same distribution as multinomial sampling of the softmax, and faster.
        race = torch.empty_like(scores).exponential_(generator=dice)
        return (torch.softmax(scores / self.temperature, dim=-1) / race).argmax(dim=-1)

    def _until_end(self, row: list[int]) -> tuple[int, ...]:
        length = row.index(self.end) + 1 if self.end in row else len(row)
        return tuple(token for token in row[:length] if token != self.pad)
