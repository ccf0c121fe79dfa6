"""Sinks that fail as real ones do."""

import os
from pathlib import Path

from examples.sinks.lines import JsonLines
from schemas.sinks import OutgoingShard


class DeadlySink(JsonLines):
    """The first shard that it takes ends its process, before anybody remembers that it has it."""

    def deliver(self, shard: OutgoingShard) -> None:
        super().deliver(shard)
        mark = self._folder / "died"
        if not mark.exists():
            mark.touch()
            os._exit(1)


class AwaySink(JsonLines):
    """Takes nothing until its folder is there."""

    def deliver(self, shard: OutgoingShard) -> None:
        if not Path(self._folder).is_dir():
            raise ConnectionError("the lake is away")
        super().deliver(shard)
