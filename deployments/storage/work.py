"""A run's folder on this machine. Law: what the store holds counts. A folder that holds all of it, and perhaps more,
goes on; any other is moved aside, never removed, and built again from the store."""

import hashlib
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

from actors.ledger.files import LOCAL_DISK, disk_errors, make_folder
from actors.ledger.layout import is_made
from actors.ledger.segments import has
from actors.ledger.sqlite import LedgerReader
from deployments.storage.address import StoreAddress
from deployments.storage.objects import Store
from deployments.storage.restore import bring
from schemas.errors import LedgerError, OutputError
from schemas.queue_shard import MOST_SHARDS, QueueShard
from schemas.storage import StoreHead


def work_folder(address: StoreAddress) -> Path:
    """Where a run of this user lies on this machine when no folder was named: in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = address.prefix.rpartition("/")[2]
    return cache / "gleaner" / "runs" / f"{name}-{hashlib.sha256(str(address).encode()).hexdigest()[:8]}"


def settle(folder: Path, head: StoreHead, store: Store, tell: Callable[[str], None]) -> None:
    """Makes the folder one that the run can go on in. `tell`: says what was done, if it was not what is usual. Raises
    OutputError."""
    if holds(folder, head):
        return
    if folder.exists() and any(folder.iterdir()):
        aside = _aside(folder)
        tell(f"{folder} does not hold all that {_named(head)} has; it was moved to {aside}")
    elif folder.exists():
        folder.rmdir()
    with disk_errors(folder):
        make_folder(folder.parent)
    if head.chains:
        brought = bring(store, head, folder)
        tell(f"built again from the store: {brought.records:,} records, {brought.shards:,} shards")


def holds(folder: Path, head: StoreHead) -> bool:
    """Whether the folder's ledgers hold every record of the store, unchanged. A folder that no process made holds
    nothing, and all that an empty store has."""
    for shard in QueueShard(0, MOST_SHARDS).all:
        chain = head.chains.get(shard.ledger)
        if chain is None:
            continue
        try:
            if not (folder / shard.ledger).is_file() or not is_made(folder / shard.ledger):
                return False
            with LedgerReader(folder, shard) as ledger:
                if not has(ledger, chain):
                    return False
        except (OutputError, LedgerError):  # it is damaged, or another program's
            return False
    return True


def _aside(folder: Path) -> Path:
    names = (folder.with_name(f"{folder.name}.aside{f'-{number}' if number else ''}") for number in count())
    target = next(path for path in names if not path.exists())
    with disk_errors(folder):
        LOCAL_DISK.rename(folder, target)
        LOCAL_DISK.sync_folder(folder.parent)
    return target


def _named(head: StoreHead) -> str:
    return f"the store (epoch {head.epoch - 1})"
