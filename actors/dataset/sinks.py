"""For authors of sinks: the rows of a shard. All are accepted samples; no probe is ever among them."""

from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq

from schemas.sinks import OutgoingShard

ROWS = 256
"""The most rows in memory at once."""


def rows_of(shard: OutgoingShard) -> Iterator[dict[str, Any]]:
    """The rows in order, as dicts by column name. Raises OSError when the file is gone."""
    with pq.ParquetFile(shard.path) as file:
        for batch in file.iter_batches(batch_size=ROWS):
            yield from batch.to_pylist()
