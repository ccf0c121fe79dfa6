"""Opens a shard of a run's folder, within bounds of memory: the folder may come from a stranger."""

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow.lib import ArrowException

from actors.text.parquet import ParquetRows, TooMuchMemory
from schemas.errors import OutputError

PAGE_BYTES = 128 << 20
"""The largest page."""
LIST_BYTES = 1 << 30
"""The most that a row group may take unpacked."""


@contextmanager
def opened_shard(path: Path) -> Iterator[ParquetRows]:
    """The shard's rows. Raises OutputError when it cannot be read, also inside the block."""
    try:
        with path.open("rb") as stream, closing(ParquetRows(stream, PAGE_BYTES)) as file:
            yield file
    except (OSError, KeyError, ArrowException, TooMuchMemory) as error:
        why = " ".join(str(error).split())
        raise OutputError(f"{path}: cannot be read ({why}); `gleaner verify` says what is there") from error


def batches(file: ParquetRows, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
    """The rows in their order, some at a time, with these columns."""
    for group in range(len(file.group_rows)):
        file.check_lists(group, LIST_BYTES)
        yield from file.batches(group, columns)
