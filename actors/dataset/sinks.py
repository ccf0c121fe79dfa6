"""For sinks: the rows of a shard. They are accepted samples alone: no probe and nothing spoilt is ever among them."""

from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq

from schemas.sinks import OutgoingShard

ROWS = 256
"""In memory at once."""


def rows_of(shard: OutgoingShard) -> Iterator[dict[str, Any]]:
    """The rows in their order, by the names of their columns. Raises OSError when the file is gone."""
    with pq.ParquetFile(shard.path) as file:
        for batch in file.iter_batches(batch_size=ROWS):
            yield from batch.to_pylist()
