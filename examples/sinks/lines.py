"""A sink of one's own, whole: every shard of accepted rows as a file of JSON lines in a folder.

One entry under `dataset:` gives it each shard:

    dataset:
      sinks:
        lines: {factory: "examples.sinks.lines:JsonLines", options: {folder: /data/samples}}

The folder's path is a whole one: the run's processes stand elsewhere. `gleaner check lines --config run.yaml` tells
whether it keeps to what every sink must.
"""

import json
import os
from pathlib import Path

from actors.dataset.sinks import rows_of
from schemas.sinks import OutgoingShard


class JsonLines:
    """A file for each shard, under the shard's name: one that comes again takes the place of itself."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def deliver(self, shard: OutgoingShard) -> None:
        """Written beside, synced, then renamed: a reader of the folder never sees half a file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{shard.name.removesuffix('.parquet')}.jsonl"
        beside = target.with_suffix(".writing")
        with beside.open("w", encoding="utf-8") as file:
            for row in rows_of(shard):
                sample = {"id": row["id"], "messages": row["messages"]}
                file.write(json.dumps(sample, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
