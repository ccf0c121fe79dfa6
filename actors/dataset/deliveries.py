"""Remembers which shards a sink has, in a small file of the run's folder.

Law: a shard counts as delivered only when the file says so, and the file says so only after the sink took it. The file
is no record: when it is lost or unreadable, the shards are delivered again, which a sink must allow.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from actors.ledger.door import DELIVERED, read_regular
from actors.ledger.files import Folder, disk_errors, make_folder, write_atomically
from schemas.errors import OutputError
from schemas.ledger import ShardKind, ShardWritten
from schemas.queue_shard import QueueShard

log = logging.getLogger("gleaner.dataset")
LARGEST = 64 << 20
"""In bytes. A larger file is not ours."""


class Delivered(Struct, frozen=True):
    """A shard that a sink has, and the hash of the bytes that it was given."""

    name: str
    sha256: str


_DECODER = msgspec.json.Decoder(list[Delivered])


class Deliveries:
    """The shards of one queue that one sink has. One thread at a time."""

    def __init__(self, output: Folder, sink: str) -> None:
        self._disk = output.disk
        self._path = _path(output.path, output.shard, sink)
        self._done = _read(self._path)

    def has(self, shard: ShardWritten) -> bool:
        """Whether the sink has the shard with its present bytes. A shard without rows is never delivered."""
        return not shard.rows or self._done.get(shard.name) == shard.sha256

    def add(self, shard: ShardWritten) -> None:
        """Notes that the sink has the shard. Raises OutputError when the disk refuses."""
        self._done[shard.name] = shard.sha256
        done = [Delivered(name, sha256) for name, sha256 in self._done.items()]
        with disk_errors(self._path):
            make_folder(self._path.parent, disk=self._disk)
        write_atomically(self._path, msgspec.json.encode(done), disk=self._disk)


def undelivered(
    output: Path, sinks: Iterable[str], shards: Iterable[tuple[QueueShard, ShardWritten]]
) -> dict[str, tuple[str, ...]]:
    """The dataset's shards that each sink lacks, by name, read from files alone. A sink that lacks none is left out."""
    found: dict[str, tuple[str, ...]] = {}
    listed = [(queue, shard) for queue, shard in shards if shard.kind is ShardKind.DATASET]
    for sink in sinks:
        done = {queue: Deliveries(Folder(output, shard=queue), sink) for queue in {queue for queue, _ in listed}}
        missing = tuple(shard.name for queue, shard in listed if not done[queue].has(shard))
        if missing:
            found[sink] = missing
    return found


def _path(output: Path, queue: QueueShard, sink: str) -> Path:
    return output / DELIVERED / f"{sink}.{queue.number}.json"


def _read(path: Path) -> dict[str, str]:
    try:
        return {each.name: each.sha256 for each in _DECODER.decode(read_regular(path, LARGEST))}
    except FileNotFoundError:
        return {}
    except (OutputError, OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        log.warning("all shards are delivered again", extra={"file": str(path), "why": str(error)})
        return {}
