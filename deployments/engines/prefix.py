"""Reads the common beginning of prompts once: a system message and examples, say.

Law: a row has the same keys and values as alone, up to rounding. Every row of a pass has the same number of new tokens,
so that padding is before a row and never inside it (a sliding window counts columns).
Shapes, per layer: (rows, heads, columns, head size).
"""

from collections.abc import Callable, Sequence

import torch
from msgspec import Struct

from deployments.engines.kv_store import Layers

WORTH = 32
"""In tokens: a shorter beginning is read again with each prompt."""
READERS = 3
"""How many prompts of one pass must share a beginning before it is read by itself."""


class KnownPrefix(Struct, frozen=True, eq=False):
    """A beginning, and its keys and values for one row."""

    ids: list[int]
    layers: Layers


class PrefixStore:
    """Keeps the last shared beginning. `read`: gives the keys and values of a beginning."""

    def __init__(self, read: Callable[[list[int]], Layers]) -> None:
        self._read = read
        self._known = KnownPrefix([], ())

    def shared(self, prompts: Sequence[list[int]]) -> int:
        """How many first columns of these prompts, left-padded to one width, need not be read; `filled` gives them."""
        common = _common(prompts) if len(prompts) >= READERS else []
        matched = len(_common([self._known.ids, *prompts]))
        if len(common) >= max(WORTH, matched + WORTH):
            self._known = KnownPrefix(common, self._read(common))
            matched = len(common)
        lengths = [len(prompt) for prompt in prompts]
        width = max(lengths)
        columns = min(matched, width - 1)
        return columns if columns >= WORTH and width - columns <= min(lengths) else 0

    def filled(self, lengths: Sequence[int], columns: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """The first `columns` for prompts of these lengths: padding, then as much of the beginning as there is room
        for."""
        pads = [max(lengths) - length for length in lengths]

        def spread(stored: torch.Tensor) -> torch.Tensor:
            _, heads, _, size = stored.shape
            room = stored.new_zeros((len(pads), heads, columns, size))
            for row, pad in enumerate(pads):
                room[row, :, pad:] = stored[0, :, : columns - pad]
            return room

        return [(spread(keys), spread(values)) for keys, values in self._known.layers]


def _common(prompts: Sequence[list[int]]) -> list[int]:
    """The longest common beginning of all: that of the first and the last in the order of lists."""
    first, last = min(prompts), max(prompts)
    differ = (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differ, len(first))]
