"""The beginning that prompts have in common, read once: a system message and examples, say.

Law: a row has the keys and values that it would have alone, up to rounding; every row of a pass has as many new tokens,
so that padding stands before a row's beginning and never inside it (a sliding window counts columns).
Shapes, per layer: (rows, heads, columns, head size).
"""

from collections.abc import Callable, Sequence

import torch
from msgspec import Struct

from deployments.engines.kv_store import Layers

WORTH = 32
"""Tokens: what is shorter is read again."""
READERS = 3
"""Prompts of one pass that must have a beginning in common before it is read by itself."""


class KnownPrefix(Struct, frozen=True, eq=False):
    """A beginning, and its keys and values for one row."""

    ids: list[int]
    layers: Layers


class PrefixStore:
    """Holds the beginning that was shared last. `read` gives the keys and values of a prompt's beginning."""

    def __init__(self, read: Callable[[list[int]], Layers]) -> None:
        self._read = read
        self._known = KnownPrefix([], ())

    def shared(self, prompts: Sequence[list[int]]) -> int:
        """How many columns of these prompts, left-padded to one width, need not be read; `filled` gives them."""
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
        """The first `columns` of prompts of these lengths: as much of the beginning as has room behind the padding."""
        pads = [max(lengths) - length for length in lengths]

        def spread(stored: torch.Tensor) -> torch.Tensor:
            _, heads, _, size = stored.shape
            room = stored.new_zeros((len(pads), heads, columns, size))
            for row, pad in enumerate(pads):
                room[row, :, pad:] = stored[0, :, : columns - pad]
            return room

        return [(spread(keys), spread(values)) for keys, values in self._known.layers]


def _common(prompts: Sequence[list[int]]) -> list[int]:
    """The longest beginning of all: that of the first and the last in the order of lists."""
    first, last = min(prompts), max(prompts)
    differ = (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differ, len(first))]
