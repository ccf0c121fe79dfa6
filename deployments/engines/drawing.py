"""How tokens are drawn, for a whole batch at once. Law: a row's token depends on its own logits, settings and draw.

Shapes: B rows, V vocabulary. The draws of a completion are fixed by its seed before it begins, one for each token it
may generate, so that neither company nor order of arrival changes them.
"""

from collections.abc import Sequence

import torch

from schemas.samples import Sampling


def uniforms(seed: int, count: int) -> list[float]:
    """The draws of a completion with that seed: `count` numbers in [0, 1)."""
    generator = torch.Generator().manual_seed(seed * 1_000_003)
    return torch.rand(count, generator=generator, dtype=torch.float64).tolist()


class Settings:
    """The sampling of the rows of a batch, as tensors on the model's device."""

    def __init__(self, rows: Sequence[Sampling], device: torch.device) -> None:
        self._device = device
        temperatures = torch.tensor([row.temperature for row in rows], device=device)
        self._greedy = temperatures <= 0
        self._divisors = temperatures.clamp(min=1e-4)[:, None]
        self._all_greedy = all(row.temperature <= 0 for row in rows)
        nucleus = any(row.top_p < 1 for row in rows)
        self._top_p = torch.tensor([row.top_p for row in rows], device=device) if nucleus else None

    def draw(self, logits: torch.Tensor, draws: Sequence[float]) -> torch.Tensor:
        """One token a row (B,) from logits (B, V), by inverting the cumulated probabilities at the row's draw."""
        likeliest = logits.argmax(-1)
        if self._all_greedy:
            return likeliest
        probabilities = torch.softmax(logits / self._divisors, dim=-1)
        if self._top_p is not None:
            probabilities = nucleus(probabilities, self._top_p)
        cumulated = probabilities.cumsum(-1, dtype=torch.float64)
        points = torch.tensor(draws, dtype=torch.float64, device=self._device)[:, None] * cumulated[:, -1:]
        drawn = torch.searchsorted(cumulated, points, right=True).squeeze(-1).clamp(max=logits.shape[-1] - 1)
        return torch.where(self._greedy, likeliest, drawn)


def nucleus(probabilities: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """The probabilities, with zero outside each row's smallest set of likeliest tokens that has at least `top_p`."""
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    outside = ordered.cumsum(-1) - ordered >= top_p[:, None]
    return probabilities.masked_fill(torch.zeros_like(outside).scatter(-1, order, outside), 0.0)
