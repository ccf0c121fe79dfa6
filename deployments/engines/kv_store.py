"""Keys and values of the rows in progress, written in place. Law: each step adds one column, the same for every row.

A row's own positions end at the last column in use. Columns before its first have old values of other rows: they are
finite, and the caller masks them. So a model sees a left-padded batch, a step copies nothing, and a row that leaves
costs the copy of one row.

Shapes, per layer: (rows, heads, columns, head size); the columns in use are `begin` to `end`.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

Layers = Sequence[tuple[torch.Tensor, torch.Tensor]]
SPARE_COLUMNS = 64


class KvStore:
    """Keys and values of `rows` rows over `end - begin` columns."""

    def __init__(self) -> None:
        self._layers: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.rows = 0
        self._begin = 0
        self._end = 0

    @property
    def width(self) -> int:
        """Columns in use: the length of the longest row."""
        return self._end - self._begin

    def for_step(self) -> Cache:
        """The cache that the model reads and writes in one step (one token for each row); call `advance` after it."""
        if self._end == self._layers[0][0].shape[2]:
            self._move(rows=self.rows, end=self.width)
        return Cache(layers=[_InPlace(self, keys, values) for keys, values in self._layers])

    def columns(self, stored: torch.Tensor, *, new: int) -> torch.Tensor:
        """The columns in use and `new` more, for the rows in use."""
        return stored[: self.rows, :, self._begin : self._end + new]

    def write(self, stored: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """Puts the step's states (rows, heads, 1, size) into the next column; returns all columns with it."""
        stored[: self.rows, :, self._end] = states[:, :, 0]
        return self.columns(stored, new=1)

    def advance(self) -> None:
        """The step's column is in use from now on."""
        self._end += 1

    def join(self, layers: Layers) -> None:
        """Rows enter, left-padded to one width, as a model's cache holds them after it read their prompts."""
        count, _, width, _ = layers[0][0].shape
        if not self._layers:
            self._layers = [(keys[:0], values[:0]) for keys, values in layers]
        capacity = self._layers[0][0].shape
        if self.rows == 0:
            self._begin = self._end = 0
        longest = max(self.width, width)
        if self.rows + count > capacity[0] or self._end < longest:
            self._move(rows=self.rows + count, end=longest)
        entering, columns = slice(self.rows, self.rows + count), slice(self._end - width, self._end)
        for (keys, values), (new_keys, new_values) in zip(self._layers, layers, strict=True):
            keys[entering, :, columns] = new_keys
            values[entering, :, columns] = new_values
        self.rows += count
        self._begin = self._end - longest

    def leave(self, moves: Sequence[tuple[int, int]], *, rows: int, width: int) -> None:
        """Rows go: each move (from, to) fills a leaving row's place. `rows` stay, the longest of `width` columns."""
        for source, target in moves:
            for keys, values in self._layers:
                keys[target, :, self._begin : self._end] = keys[source, :, self._begin : self._end]
                values[target, :, self._begin : self._end] = values[source, :, self._begin : self._end]
        self.rows = rows
        self._begin = self._end - width

    def _move(self, *, rows: int, end: int) -> None:
        """Copies everything to larger tensors. `end`: the new end of the columns in use; half of it more is free."""
        held = self._layers[0][0].shape[0]
        rows = held if rows <= held else max(rows, 2 * held)
        columns = end + end // 2 + SPARE_COLUMNS
        for number, (keys, values) in enumerate(self._layers):
            self._layers[number] = (self._moved(keys, rows, columns, end), self._moved(values, rows, columns, end))
        self._begin, self._end = end - self.width, end

    def _moved(self, stored: torch.Tensor, rows: int, columns: int, end: int) -> torch.Tensor:
        _, heads, _, size = stored.shape
        room = stored.new_zeros((rows, heads, columns, size))
        room[: self.rows, :, end - self.width : end] = self.columns(stored, new=0)
        return room


class _InPlace(DynamicLayer):
    """A layer of a cache for transformers' models, over a store."""

    def __init__(self, store: KvStore, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()
        self._store, self._stored_keys, self._stored_values = store, keys, values
        self.keys = store.columns(keys, new=0)
        self.values = store.columns(values, new=0)
        self.is_initialized = True

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        store = self._store
        return store.write(self._stored_keys, key_states), store.write(self._stored_values, value_states)
