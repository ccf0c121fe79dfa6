"""What a run's folder has that the store lacks, in the order in which it is sent.

Law: the ledger first. A shard is sent after the head that holds its record: its name and bytes then follow from what
the store has, for every later holder too, and a shard that is missing in the store can be written again from there. So
a late upload by a process that lost the run changes nothing. Texts of documents come before the records that rest on
them; they, segments and notes are named by their
content, the last two by their epoch too, so that no two processes write or remove the same object; and notes by the
commit, because a file may become again what it was.

A commit is one state of the folder that a crash could have left: small files that changed while the ledgers were read
are read again.
"""

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from actors.ledger.door import DELIVERED, DOCUMENTS, read_regular
from actors.ledger.files import sha256_of
from actors.ledger.layout import is_made
from actors.ledger.segments import Cut, cut, mergeable
from actors.ledger.sqlite import LedgerReader
from actors.ledger.texts import text_path
from deployments.monitoring.logs import FOLDER as LOGS
from deployments.storage.fence import Fence
from deployments.storage.objects import Store
from schemas.ledger import ShardWritten
from schemas.queue_shard import MOST_SHARDS, QueueShard
from schemas.storage import Chain, LedgerSegment, StoreHead

log = logging.getLogger("gleaner.storage")

NOTES = ("run.yaml", "README.md", "manifest.json", "checksums.txt", "report.html")
NOTE = re.compile(rf"{'|'.join(map(re.escape, NOTES))}|{DELIVERED}/[^/]+\.[0-9]+\.json")
"""The names that a head may give to small files: nothing else is written where a run is brought down."""
LARGEST_NOTE = 64 << 20
"""In bytes, as of the files that they are."""
READS = 20
"""How often small files that change meanwhile are read again in one commit."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
Notes = dict[str, bytes]


def segment_object(segment: LedgerSegment) -> str:
    """The name of a segment's object."""
    return f"gleaner/ledger/{segment.name}"


def note_object(made: str) -> str:
    """The name of a small file's object. A second one, under the file's own name, is for people."""
    return f"gleaner/notes/{made}"


class Shipper:
    """Sends one folder. One thread at a time; every call may raise StoreAwayError, and HeldError when another process
    has the run. What was not sent is sent by the next call."""

    def __init__(self, fence: Fence, store: Store, folder: Path) -> None:
        self._fence = fence
        self._store = store
        self._folder = folder
        self._ledgers: dict[str, LedgerReader] = {}
        self._cut: dict[str, Chain] = {}
        """Chains as they are sent. Until the next commit no head names their last segments."""
        self._files: dict[str, int] = {}
        self._notes: dict[str, tuple[str, bytes]] = {}
        """The small files as they were sent, each with its object's name."""
        self._shown: dict[str, str] = {}
        self.unsent: str | None = None
        """The shard at which `files` stopped, because its bytes are not the recorded ones."""
        self._logs: dict[str, tuple[int, int]] = {}
        self._unnamed: frozenset[str] = frozenset()
        """Objects that the last head named and this one does not."""

    def ship(self) -> None:
        """Everything that is recorded by now is in the store when this returns."""
        self._open()
        chains = self._chains_now()  # the most of it, so that the next look takes a moment
        for _ in range(READS):
            notes = self._read_notes()
            chains = self._chains_now()
            if notes == self._read_notes():
                break
        else:
            notes = {name: content for name, (_, content) in self._notes.items()}
        self._send_notes(notes)
        before = self._fence.head
        named = {name: made for name, (made, _) in self._notes.items()} or before.notes
        after = replace(before, chains={**before.chains, **chains}, notes=named)
        self._fence.commit(after)
        for name in self._unnamed - _objects(after):  # whoever read the head before this one has had its time
            self._store.delete(name)
        self._unnamed = _objects(before) - _objects(after)
        self._show()

    def files(self) -> Iterator[str]:
        """Sends the shards whose records the head holds, one with each step, and gives their names. The head of the
        next `ship` says that the store has them."""
        self.unsent = None
        for name, ledger in self._ledgers.items():
            chain = self._fence.head.chains.get(name, Chain({}))
            after = self._files.setdefault(name, chain.files_through)
            fresh = [(seq, shard) for seq, shard in ledger.shards_after(after) if seq <= chain.last]
            recorded = ledger.shards() if fresh else ()
            current = {(shard.kind, shard.first_seq): shard for shard in recorded}
            for seq, shard in fresh:
                if current[shard.kind, shard.first_seq] == shard:
                    if sha256_of(self._folder / shard.name) != shard.sha256:
                        self.unsent = shard.name  # a writer is replacing it, or has yet to mend it
                        break
                    self._store.put(shard.name, self._folder / shard.name)
                    self._remove_replaced(shard, recorded)
                self._files[name] = seq
                yield shard.name

    def logs(self) -> None:
        """Sends the logs that have grown, under the number of this epoch: an earlier machine's stay."""
        for path in sorted((self._folder / LOGS).glob("*.jsonl*")):
            try:
                found = path.stat()
            except OSError:  # it was rotated meanwhile
                continue
            if self._logs.get(path.name) != (found.st_size, found.st_mtime_ns):
                self._store.put(f"{LOGS}/{self._fence.head.epoch:04d}/{path.name}", read_regular(path, LARGEST_NOTE))
                self._logs[path.name] = (found.st_size, found.st_mtime_ns)

    def close(self) -> None:
        for ledger in self._ledgers.values():
            ledger.close()
        self._ledgers.clear()

    def _open(self) -> None:
        for shard in QueueShard(0, MOST_SHARDS).all:
            path = self._folder / shard.ledger
            if shard.ledger not in self._ledgers and path.is_file() and is_made(path):
                self._ledgers[shard.ledger] = LedgerReader(self._folder, shard)

    def _chains_now(self) -> dict[str, Chain]:
        chains = {}
        for name, ledger in self._ledgers.items():
            known = self._cut.get(name) or self._fence.head.chains.get(name) or Chain(ledger.meta())
            chain = self._extended(ledger, known)
            self._cut[name] = chain
            chains[name] = replace(chain, files_through=self._files.get(name, chain.files_through))
        return chains

    def _extended(self, ledger: LedgerReader, chain: Chain) -> Chain:
        """The chain with all records of the ledger. Its new segments are in the store."""
        segments, last, epoch = list(chain.segments), ledger.last_seq(), self._fence.head.epoch
        while (after := segments[-1].last if segments else 0) < last:
            self._send_texts(ledger, after, last)
            segments.append(self._send(cut(ledger, after, last, epoch=epoch)))
            while count := mergeable(segments):
                merged = segments[-count:]
                whole = cut(ledger, merged[0].first - 1, merged[-1].last, epoch=epoch, level=merged[0].level + 1)
                segments[-count:] = [self._send(whole)]
        return replace(chain, meta=ledger.meta(), segments=tuple(segments))

    def _send(self, made: Cut) -> LedgerSegment:
        self._store.put(segment_object(made.segment), made.content)
        return made.segment

    def _send_texts(self, ledger: LedgerReader, after: int, through: int) -> None:
        if not (self._folder / DOCUMENTS).is_dir():
            return
        for path in texts_of(ledger, self._folder, after, through):
            if path.exists():
                self._store.put(f"{DOCUMENTS}/{path.name}", path)

    def _read_notes(self) -> Notes:
        """The small files as they are now."""
        names = [*NOTES, *(f"{DELIVERED}/{path.name}" for path in sorted((self._folder / DELIVERED).glob("*.json")))]
        notes = {}
        for name in names:
            try:
                notes[name] = read_regular(self._folder / name, LARGEST_NOTE)
            except FileNotFoundError:
                continue
        return notes

    def _send_notes(self, notes: Notes) -> None:
        for name, content in notes.items():
            if name not in self._notes or self._notes[name][1] != content:
                made = f"{self._fence.head.epoch:04d}-{self._fence.head.beat:07d}-{hashlib.sha256(content).hexdigest()}"
                self._store.put(note_object(made), content)
                self._notes[name] = (made, content)
        for name in [name for name in self._notes if name not in notes]:
            del self._notes[name]

    def _show(self) -> None:
        """For people, and for `load_dataset`: the small files under their own names. Nothing that is read back."""
        for name, (made, content) in self._notes.items():
            if name in NOTES and self._shown.get(name) != made:
                self._store.put(name, content)
                self._shown[name] = made

    def _remove_replaced(self, shard: ShardWritten, recorded: Sequence[ShardWritten]) -> None:
        for earlier in recorded:
            same = (earlier.kind, earlier.first_seq) == (shard.kind, shard.first_seq)
            if same and earlier.name != shard.name:
                self._store.delete(earlier.name)


def _objects(head: StoreHead) -> frozenset[str]:
    segments = (segment_object(each) for chain in head.chains.values() for each in chain.segments)
    return frozenset((*segments, *map(note_object, head.notes.values())))


def texts_of(ledger: LedgerReader, folder: Path, after: int, through: int) -> list[Path]:
    """The files of extracted texts that plans after a record, up to another, rest on."""
    found: dict[Path, None] = {}
    while page := ledger.planned(after, 1000):
        for seq, planned in page:
            if seq > through:
                return list(found)
            where = planned.passage.provenance
            if where.extractor is not None and _SHA256.fullmatch(where.document_sha256):
                found[text_path(folder, where.document_sha256)] = None
        after = cast(int, page[-1][0])
    return list(found)
