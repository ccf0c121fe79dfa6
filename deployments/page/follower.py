"""Follows a run's folder, whoever writes it: what is new in its ledgers is folded into tables, a little at each step.

Law: it only reads. A ledger is open while a step reads from it and not between, nothing in the folder is locked, and a
step is short, so that whoever asks meanwhile is answered soon. It reads `live.json` as `gleaner status` does. What
cannot be read is said in one line and tried again. A folder that holds another run than before begins anew.
"""

import os
from collections import deque
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from msgspec import Struct

from actors.counts.bill import bill_of, prices_of
from actors.counts.tally import Tally
from actors.counts.together import together
from actors.dataset.manifest import CONFIG_NAME, read_config
from actors.ledger.folder import Ledgers
from actors.ledger.samples import EndedSample, SampleRequest, chosen_samples
from actors.ledger.sqlite import LedgerReader
from deployments.monitoring.live import read_live
from deployments.page.index import SHOWN, IndexedSample, SampleIndex
from schemas.bill import Bill
from schemas.config import RunConfig
from schemas.errors import LedgerError, OutputError
from schemas.ledger import (
    AcceptedEnd,
    DeadLetteredEnd,
    NotNeededEnd,
    Record,
    Reopened,
    Rescored,
)
from schemas.live import NAME as LIVE_NAME
from schemas.live import Live
from schemas.progress import Counts, Summary

READ_AT_ONCE = 1_000
"""Records that are read from a ledger while it is open."""
STEP = 50
"""Records that are folded in one step: some 3 ms."""
_NOTHING = Summary()


class ReadSoFar(Struct, frozen=True):
    """How far the ledgers have been read, in records."""

    read: int = 0
    there: int = 0

    @property
    def is_whole(self) -> bool:
        return self.read >= self.there


class _Shard:
    """What has been folded of one ledger."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.read = 0
        self.fault = ""
        self.tally = Tally()


class FolderFollower:
    """One folder. Call `step` again and again; between calls the other members say what it found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = SampleIndex()
        self.live: Live | None = None
        self.config: RunConfig | None = None
        self.fault = ""
        """Why the folder cannot be read now; "" if it can."""
        self.reading = ReadSoFar()
        self.counts = Counts()
        """Orders by state, exact from the first step on; the summary's are of what was read so far."""
        self._waiting: deque[tuple[_Shard, list[tuple[int, Record]]]] = deque()
        """What was read and is not folded yet."""
        self._configured: tuple[int, ...] | None = None
        """What run.yaml was known by when it was read."""
        self._there = 0
        self._shards: list[_Shard] = []
        self._seen: tuple[object, ...] = ()
        self._summary: Summary | None = None

    def step(self) -> bool:
        """Folds what was read, or reads what is new, a step of it; gives whether anything was."""
        if self._waiting:
            self._fold()
            return True
        seen = self._signs()
        if seen == self._seen and self.reading.is_whole and not self.fault:
            return False
        self._seen = seen
        fault = ""
        try:
            self.live = read_live(self.folder)
            self._configure()
            with Ledgers(self.folder) as ledgers:
                self._read(ledgers.each)
        except (OutputError, LedgerError, OSError) as error:
            fault = " ".join(str(error).split())
        fault = fault or next((shard.fault for shard in self._shards if shard.fault), "")
        changed = fault != self.fault if fault else True
        self.fault = fault
        return changed

    @property
    def summary(self) -> Summary:
        """All tables, of the records that were read so far."""
        if self._summary is None:
            parts = [shard.tally.summary() for shard in self._shards]
            self._summary = together(parts) if parts else _NOTHING
        return self._summary

    @property
    def bill(self) -> Bill | None:
        """What the run cost so far; None without prices."""
        return None if self.config is None else bill_of(self.summary, prices_of(self.config))

    def newest(self, limit: int) -> Sequence[IndexedSample]:
        """The samples that ended last, from the ledgers themselves: for the time before these were read."""
        try:
            with Ledgers(self.folder) as ledgers, ledgers.frozen():
                return [_line(sample) for sample in chosen_samples(ledgers, SampleRequest(limit, seed=None))]
        except (OutputError, LedgerError):  # `fault` says it
            return []

    def _configure(self) -> None:
        """Reads run.yaml where it is another than before: that takes some ten milliseconds."""
        try:
            stat = (self.folder / CONFIG_NAME).lstat()
            sign = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            sign = None
        if sign != self._configured:
            self.config = read_config(self.folder)
            self._configured = sign

    def _read(self, ledgers: Sequence[LedgerReader]) -> None:
        if [shard.folder for shard in self._shards] != [ledger.folder for ledger in ledgers] or any(
            ledger.last_seq() < shard.read for shard, ledger in zip(self._shards, ledgers, strict=True)
        ):
            self._begin([ledger.folder for ledger in ledgers])
        for shard, ledger in zip(self._shards, ledgers, strict=True):
            found = list(islice(ledger.records(shard.read), READ_AT_ONCE))
            self._waiting.extend((shard, found[start : start + STEP]) for start in range(0, len(found), STEP))
        self._there = sum(ledger.last_seq() for ledger in ledgers)
        self.counts = _counted(ledgers)
        self._told()

    def _fold(self) -> None:
        """Takes the next step of what was read into the tables."""
        shard, records = self._waiting.popleft()
        try:
            for _, record in records:
                shard.tally.apply(record)
            self.index.apply_all([record for _, record in records])
        except LedgerError as error:  # a forged ledger: what was read before it stands
            shard.fault = " ".join(str(error).split())
        shard.read = records[-1][0]
        self._summary = None
        self._told()

    def _told(self) -> None:
        self.reading = ReadSoFar(sum(shard.read for shard in self._shards), self._there)
        self.counts = self.summary.counts if self.reading.is_whole else self.counts

    def _begin(self, folders: Sequence[str]) -> None:
        self.index.close()
        self.index = SampleIndex()
        self._waiting.clear()
        self._shards = [_Shard(folder) for folder in folders]
        self._summary = None

    def _signs(self) -> tuple[object, ...]:
        """What changes when something of the run does: sizes and times of its files."""
        found: list[object] = []
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    ledger = entry.name.startswith("ledger") and ".sqlite" in entry.name
                    if not (ledger or entry.name in (LIVE_NAME, CONFIG_NAME)) or entry.name.endswith("-shm"):
                        continue  # SQLite makes the -shm, and an empty -wal, for a reader too
                    stat = entry.stat(follow_symlinks=False)
                    if stat.st_size:
                        found.append((entry.name, stat.st_size, stat.st_mtime_ns, stat.st_ino))
        except OSError as error:
            return (str(error),)
        return tuple(sorted(found, key=str))


def _counted(ledgers: Sequence[LedgerReader]) -> Counts:
    """Orders by state, from the numbers of records alone."""
    total = Counts()
    for ledger in ledgers:
        orders, kinds = ledger.numbers()

        def of(*records: type, kinds: dict[str, int] = kinds) -> int:
            return sum(kinds.get(str(record.__struct_config__.tag), 0) for record in records)

        accepted, reopened, spared = of(AcceptedEnd, Rescored), of(Reopened), of(NotNeededEnd)
        dead = of(DeadLetteredEnd) - reopened
        left = orders - accepted - dead - spared
        each = Counts(orders, accepted, dead, left, reopened=reopened, not_needed=spared)
        total = together([total, each])
    return total


def _line(sample: EndedSample) -> IndexedSample:
    text = "\n".join(sample.fields.values()) or sample.completion
    return IndexedSample(
        sample.order_id,
        0.0,
        sample.end,
        sample.attempts,
        sample.mode,
        sample.repair,
        None if sample.why is None else sample.why.reason.value,
        text[:SHOWN],
        sample.passage.id,
    )
