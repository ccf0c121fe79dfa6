"""Shard files that the ledger does not know. Law: a file that may be the only copy of a sample is never removed.

A crash between a shard's rename and its record leaves a file whose rows are all in the ledger: the next shard in
number, or the next edition of a recorded one. Only such a file may be removed. A file that goes beyond the ledger's
last record shows that the ledger is older than its shards: the run stops. All other unknown shards are moved aside.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from actors.dataset.manifest import CHECKSUMS_NAME, read_manifest
from actors.dataset.manifest import NAME as MANIFEST_NAME
from actors.dataset.spans import Span, name_of, queue_of, within
from actors.ledger.files import Disk, disk_errors, make_folder
from actors.ledger.folder import Ledgers
from actors.ledger.layout import is_made
from actors.text.parquet import TooMuchMemory, file_metadata
from schemas.errors import OutputError
from schemas.ledger import ShardKind, ShardWritten
from schemas.manifest import Manifest
from schemas.queue_shard import ONLY

ASIDE = "aside"
"""The subfolder of the output folder for files that were moved aside."""
STAMP_KEY = "gleaner.shard"


class Stamp(Struct, frozen=True, omit_defaults=True):
    """What a shard's Parquet metadata says: its ledger's id, its range of that ledger, the running hash up to
    `last_seq`, and how many ends of the range no longer held when it was written."""

    first_seq: int
    last_seq: int
    folder: str
    head: str
    without: int = 0

    def encoded(self) -> dict[str, str]:
        """The stamp as Parquet metadata."""
        return {STAMP_KEY: msgspec.json.encode(self).decode()}


class Known(Protocol):
    """The part of a ledger that says how far its records go."""

    @property
    def folder(self) -> str:
        """The folder's id, made with the ledger."""
        ...

    def last_seq(self) -> int:
        """Sequence number of its last record; 0 while it holds none."""
        ...

    def head(self, seq: int) -> str:
        """The running hash of all records up to this one."""
        ...

    def reopened(self) -> Sequence[int]:
        """Sequence numbers of the ends that were undone."""
        ...


class LedgerExtent(Struct, frozen=True):
    """How far a ledger goes. `undone`: sequence numbers of ends that were undone, ascending."""

    folder: str
    last_seq: int
    undone: Sequence[int]
    head: Callable[[int], str]

    @staticmethod
    def of(ledger: Known) -> "LedgerExtent":
        """The extent of a ledger as it is now."""
        return LedgerExtent(ledger.folder, ledger.last_seq(), sorted(ledger.reopened()), ledger.head)

    def why_older(self, stamp: Stamp) -> str | None:
        """What a shard holds that the ledger does not, in words for a user; None when the ledger holds it all."""
        if stamp.folder != self.folder:
            return "it was written beside another ledger"
        if (why := self.why_not(stamp.last_seq, stamp.head)) is not None:
            return why
        if stamp.without > within(self.undone, stamp.first_seq, stamp.last_seq):
            return "the ledger does not hold the replay that it was written after"
        return None

    def why_not(self, seq: int, head: str) -> str | None:
        """Why the ledger never had this running hash at this record; None when it has it."""
        if seq > self.last_seq:
            return f"it holds record {seq}, and the ledger ends at {self.last_seq}"
        if head != self.head(seq):
            return f"the ledger's records up to {seq} are not the records that it was written from"
        return None


def stamp_of(path: Path) -> Stamp | None:
    """The file's stamp; None when it has none, is damaged, or no longer exists."""
    try:
        with path.open("rb") as file:
            text = file_metadata(file).get(STAMP_KEY)
        return None if text is None else msgspec.json.decode(text, type=Stamp)
    except (OSError, TooMuchMemory, msgspec.DecodeError, UnicodeDecodeError):
        return None


def is_unrecorded(path: Path, stamp: Stamp | None, counted: Collection[ShardWritten]) -> bool:
    """Whether a crash between rename and record left the file: it is the next shard of its kind, or the next edition of
    one of the `counted` ones. Callers also ask `LedgerExtent.why_older`: the file may hold no more than the ledger."""
    if stamp is None:
        return False
    spans = {span.first_seq: span for span in map(Span.of, counted)}
    before = spans.get(stamp.first_seq)
    if before is not None:
        edition = msgspec.structs.replace(before, edition=before.edition + 1)
        return stamp.last_seq == before.last_seq and path.name == edition.name
    number = max((span.number for span in spans.values()), default=-1) + 1
    last_seq = max((span.last_seq for span in spans.values()), default=0)
    following = Span(number, stamp.first_seq, stamp.last_seq, queue=queue_of(path))
    return stamp.first_seq > last_seq and path.name == following.name


def move_aside(path: Path, output: Path, disk: Disk) -> Path:
    """Moves the file to a free name in `output`/aside/<kind>, and gives its new path. Raises OutputError."""
    folder = output / ASIDE / path.parent.name
    numbers = (f"{path.stem}{f'.{number}' if number else ''}{path.suffix}" for number in count())
    target = next(to for to in map(folder.joinpath, numbers) if not to.exists())
    with disk_errors(path):
        make_folder(folder, disk=disk)
        disk.rename(path, target)
        disk.sync_folder(folder)
        disk.sync_folder(path.parent)
    return target


def refuse(output: Path, name: str, why: str) -> OutputError:
    """The error for a ledger that is older than its shards, with what to do."""
    return OutputError(
        f"{output}: the ledger is older than its shards ({name}: {why}): was ledger.sqlite copied without "
        "ledger.sqlite-wal, or restored from a backup? Restore the latest ledger, or choose another --output"
    )


def check_not_older(output: Path) -> None:
    """Raises OutputError when the folder's shards or manifest hold more than its ledgers, or its ledger is gone.

    Safe while a run goes on: a run writes its ledger first at each step, and this function reads the ledgers last.
    """
    files = [path for kind in ShardKind for path in sorted((output / kind.value).glob("part-*.parquet"))]
    manifest = _manifest(output)
    named = _named(output, manifest)
    if not files and not named and not (output / MANIFEST_NAME).exists():
        return
    if not (output / ONLY.ledger).is_file() or not is_made(output / ONLY.ledger):
        first = next((f"{path.parent.name}/{path.name}" for path in files), MANIFEST_NAME)
        raise refuse(output, first, f"{ONLY.ledger} is missing or empty")
    with Ledgers(output) as ledgers:
        if manifest is not None:
            _check_counted(output, manifest, ledgers)
        recorded = {shard.name for ledger in ledgers.each for shard in ledger.shards()}
        for name, where in named.items():
            if name not in recorded:
                raise refuse(output, name, f"{where} names it, and the ledger does not")
        strangers = [path for path in files if name_of(path) not in recorded]
        for path in strangers:
            stamp, queue = stamp_of(path), queue_of(path)
            if stamp is None:
                continue
            if queue >= len(ledgers.each):
                raise refuse(output, name_of(path), "its ledger is not there")
            if (why := LedgerExtent.of(ledgers.each[queue]).why_older(stamp)) is not None:
                raise refuse(output, name_of(path), why)


def _check_counted(output: Path, manifest: Manifest, ledgers: Ledgers) -> None:
    for ledger in ledgers.each:
        name = ledger.shard.ledger
        seq, head = manifest.ledgers.get(name, 0), manifest.heads.get(name)
        if head is not None and (why := LedgerExtent.of(ledger).why_not(seq, head)) is not None:
            raise refuse(output, MANIFEST_NAME, why)


def _manifest(output: Path) -> Manifest | None:
    try:
        return read_manifest(output)
    except OutputError:  # it is damaged, and the run writes it again
        return None


def _named(output: Path, manifest: Manifest | None) -> dict[str, str]:
    """The shards that manifest.json and checksums.txt name, each with the name of that file."""
    named: dict[str, str] = {}
    with suppress(OSError):  # missing or unreadable: the run writes it again
        lines = (output / CHECKSUMS_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.partition("  ")[2] for line in lines]
        named.update((name, CHECKSUMS_NAME) for name in names if name.partition("/")[0] in _FOLDERS)
    named.update((shard.name, MANIFEST_NAME) for shard in (manifest.shards if manifest else ()))
    return named


_FOLDERS = frozenset(kind.value for kind in ShardKind)
