"""The sink my_sink: each shard of accepted rows as a file of JSON lines. docs/sinks.md says what is promised."""

import json
from pathlib import Path

from actors.dataset.sinks import rows_of
from schemas.sinks import OutgoingShard


class MySink:
    """Writes under the shard's name: a shard that comes again takes the place of itself."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def deliver(self, shard: OutgoingShard) -> None:
        """Returns when every row is in its place; raises when it is not, and the shard comes again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = self._folder / f"{shard.name}.writing"
        with beside.open("w", encoding="utf-8") as file:
            for row in rows_of(shard):
                file.write(json.dumps({"id": row["id"], "messages": row["messages"]}, ensure_ascii=False) + "\n")
        beside.replace(self._folder / f"{shard.name}.jsonl")
