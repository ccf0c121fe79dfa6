"""A run's folder from what a store holds. Law: the folder appears whole, under its name, or not at all.

The ledger is built from its segments and must have the hashes that the head says. A shard that the store lacks, or
whose bytes are not the recorded ones, is left out: a run's writer writes it again from the ledger.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from actors.dataset.spans import current
from actors.ledger.door import DOCUMENTS
from actors.ledger.files import LOCAL_DISK, disk_errors, make_folder, write_atomically
from actors.ledger.segments import build
from actors.ledger.sqlite import LedgerReader
from deployments.storage.fence import HEAD, read_head
from deployments.storage.objects import Store
from deployments.storage.shipper import NOTE, note_object, segment_object, texts_of
from schemas.errors import OutputError, StoreError
from schemas.queue_shard import MOST_SHARDS, QueueShard
from schemas.storage import LedgerSegment, StoreHead

log = logging.getLogger("gleaner.storage")
T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 8
"""Objects that are fetched at the same time."""
LOOKS = 3
"""How often the head is read again because an object that it named was replaced meanwhile."""


class GoneError(StoreError):
    """An object that the head names is not there: a newer head names others, or the store lost it."""


class Brought(Struct, frozen=True):
    """What was brought: how many records and shards, and the names of shards that the store lacks."""

    records: int
    shards: int
    lacking: tuple[str, ...]


def fetch(store: Store, where: str, folder: Path) -> Brought:
    """Brings a run down into a new folder, to be read; the run may go on meanwhile. Raises OutputError."""
    for look in range(LOOKS):
        found = store.get(HEAD)
        if found is None:
            raise StoreError(f"{where}: holds no run ({HEAD} is missing); give the address of `gleaner run --output`")
        try:
            return bring(store, read_head(found, where), folder)
        except GoneError:
            if look == LOOKS - 1:
                raise
    raise AssertionError


def bring(store: Store, head: StoreHead, folder: Path) -> Brought:
    """Makes the folder. Raises OutputError, also when it is there and not empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: is not empty; choose a new folder")
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.bringing")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with disk_errors(folder):
            make_folder(beside)
            brought = _fill(store, head, beside)
            LOCAL_DISK.rename(beside, folder)
            LOCAL_DISK.sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return brought


def _fill(store: Store, head: StoreHead, folder: Path) -> Brought:
    for name, made in head.notes.items():
        if not NOTE.fullmatch(name):
            raise StoreError(f"{HEAD} names {name!r}, which no run makes; restore it from a copy")
        _write(folder / name, _read_note(store, made, name))
    lacking, shards, records = [], 0, 0
    for shard in QueueShard(0, MOST_SHARDS).all:
        chain = head.chains.get(shard.ledger)
        if chain is None:
            continue
        build(folder / shard.ledger, chain, _in_order(lambda each: _read_segment(store, each), chain.segments))
        records += chain.last
        with LedgerReader(folder, shard) as ledger:
            for path in texts_of(ledger, folder, 0, chain.last):
                if (text := store.get(f"{DOCUMENTS}/{path.name}")) is not None:
                    _write(path, text.content)
            wanted = {each.name: each.sha256 for each in current(ledger.shards())}
        for name, content in zip(wanted, _in_order(lambda each: store.get(each), wanted), strict=True):
            if content is None or hashlib.sha256(content.content).hexdigest() != wanted[name]:
                lacking.append(name)
            else:
                shards += 1
                _write(folder / name, content.content)
    if lacking:
        log.warning("shards that the store lacks", extra={"shards": ", ".join(lacking)})
    return Brought(records, shards, tuple(lacking))


def _read_segment(store: Store, segment: LedgerSegment) -> bytes:
    found = store.get(segment_object(segment))
    if found is None:
        raise GoneError(f"the store has lost {segment_object(segment)}, which holds records of the ledger")
    return found.content


def _read_note(store: Store, made: str, name: str) -> bytes:
    found = store.get(note_object(made))
    if found is None:
        raise GoneError(f"the store has lost {note_object(made)}, which holds {name}")
    if hashlib.sha256(found.content).hexdigest() != made.rpartition("-")[2]:
        raise StoreError(f"{note_object(made)}: is not {name} as it was written; restore it from a copy")
    return found.content


def _write(path: Path, content: bytes) -> None:
    make_folder(path.parent)
    write_atomically(path, content)


def _in_order(call: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The results in the items' order; a few are made ahead."""
    left = iter(items)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="storage") as pool:
        ahead = [pool.submit(call, item) for item in islice(left, AT_ONCE)]
        while ahead:
            yield ahead.pop(0).result()
            ahead.extend(pool.submit(call, item) for item in islice(left, 1))
