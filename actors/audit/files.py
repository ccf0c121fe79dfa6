"""Files in the folder, and checksums.txt. Law: a run may be working in the folder, or may have died at any step; what a
run leaves between two steps is not a fault. So the files are listed first, and the ledgers are read after that.
"""

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from actors.audit.bounded import TooLarge, read_bounded
from actors.audit.configured import CONFIG
from actors.audit.findings import Findings
from actors.audit.manifest import MANIFEST, shards_named
from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import LedgerReader
from actors.text.parquet import TooMuchMemory, file_metadata
from schemas.audit import Check
from schemas.ledger import ShardKind, ShardWritten
from schemas.queue_shard import QueueShard

CHECKSUMS = "checksums.txt"
CARD = "README.md"
_MOST_BYTES = 1 << 26
"""The largest checksums.txt: it has a line for each shard."""
_STAMP = "gleaner.shard"
_CHUNK_BYTES = 1 << 20


class _Stamp(Struct, frozen=True):
    """The metadata that a shard carries about itself."""

    first_seq: int
    last_seq: int
    folder: str
    head: str
    without: int = 0


def check_strangers(output: Path, findings: Findings) -> set[str]:
    """Reports files that look like shards but do not count. Gives the names of editions that were replaced."""
    there = [path for kind in ShardKind for path in sorted((output / kind.value).glob("*.parquet"))]
    with Ledgers(output) as ledgers:
        recorded = [(ledger, shard) for ledger in ledgers.each for shard in ledger.shards()]
        known = {shard.name for _, shard in recorded}
        counted = {shard.name for ledger in ledgers.each for shard in _last_of_each_range(ledger.shards()).values()}
        for path in there:
            name = f"{path.parent.name}/{path.name}"
            if name in counted or not path.exists():
                continue
            if name in known:
                findings.warning(Check.SHARDS, "an edition that was replaced; the next run removes it", name)
            elif any(_is_unrecorded(path, ledger) for ledger in ledgers.each):
                findings.warning(Check.SHARDS, "not recorded yet: a run is at it, or the next one writes it", name)
            else:
                findings.error(Check.SHARDS, "a shard that the ledger does not know", name)
    return known - counted


def is_replaced(output: Path, shard: ShardWritten, of: QueueShard) -> bool:
    """Whether another edition has replaced the shard since the ledger was read."""
    with LedgerReader(output, of) as ledger:
        return _last_of_each_range(ledger.shards())[(shard.kind, shard.first_seq)].name != shard.name


def _last_of_each_range(recorded: Collection[ShardWritten]) -> dict[tuple[ShardKind, int], ShardWritten]:
    return {(shard.kind, shard.first_seq): shard for shard in recorded}


def _is_unrecorded(path: Path, ledger: LedgerReader) -> bool:
    """Whether a run renamed the shard and has not recorded it yet. Its range then follows the last one, or it is a
    recorded shard's range without the ends that were undone since. A shard of other records belongs to another run."""
    stamp = stamp_of(path)
    if stamp is None or stamp.folder != ledger.folder or stamp.last_seq > ledger.last_seq():
        return False
    if stamp.head != ledger.head(stamp.last_seq):
        return False
    own = {
        first: shard
        for (kind, first), shard in _last_of_each_range(ledger.shards()).items()
        if kind.value == path.parent.name
    }
    same = own.get(stamp.first_seq)
    if same is not None:
        return same.last_seq == stamp.last_seq and same.without < stamp.without
    return stamp.first_seq > max((shard.last_seq for shard in own.values()), default=0)


def stamp_of(path: Path) -> _Stamp | None:
    """A shard's metadata about itself; None when it has none, is damaged, or no longer exists."""
    try:
        with path.open("rb") as file:
            text = file_metadata(file).get(_STAMP)
        return None if text is None else msgspec.json.decode(text, type=_Stamp)
    except (OSError, TooMuchMemory, msgspec.DecodeError, UnicodeDecodeError):
        return None


def check_sums(output: Path, replaced: Collection[str], findings: Findings) -> None:
    """Checks every line of checksums.txt, and that each listed kind of file has a line. `replaced`: shards that may be
    gone."""
    try:
        text = checksums_of(output)
    except TooLarge as error:
        findings.warning(Check.SHARDS, f"not checked: {error}", CHECKSUMS)
        return
    if text is None:
        findings.warning(Check.SHARDS, "not written yet; the run has not been finished", CHECKSUMS)
        return
    lines = {line: None for line in text.splitlines() if not line.startswith("#")}  # `actors.audit.chain` checks those
    wrong = [what for line in lines if (what := _wrong(output, line, replaced)) is not None]
    lines_of = {line.partition("  ")[2] for line in lines}
    wrong += [f"has no line for {name}" for name in _finished(output) if name not in lines_of]
    if wrong and checksums_of(output) != text:
        findings.warning(Check.SHARDS, "not checked: a run writes it at this moment", CHECKSUMS)
        return
    for what in wrong:
        findings.error(Check.SHARDS, what, CHECKSUMS)


def _finished(output: Path) -> Iterable[str]:
    """The files that checksums.txt must name. A run writes it after all of them, and removes it before it changes
    them."""
    there = [name for name in (CONFIG, CARD) if (output / name).is_file()]
    return [*there, MANIFEST, *shards_named(output)]


def _wrong(output: Path, line: str, replaced: Collection[str]) -> str | None:
    digest, _, name = line.partition("  ")
    target = inside(output, name)
    if target is None:
        return f"names a file outside the folder: {name}"
    if not target.is_file():
        return None if name in replaced else f"{name} is missing"
    return f"{name} has changed since it was written" if sha256_of(target) != digest else None


def checksums_of(output: Path) -> str | None:
    """The text of checksums.txt; None when there is none. Raises TooLarge."""
    try:
        return read_bounded(output / CHECKSUMS, _MOST_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return None


def inside(output: Path, name: str) -> Path | None:
    """The file with this name; None when it is outside the folder (also through a link) or no valid name."""
    path = output / name
    try:
        return path if path.resolve().is_relative_to(output.resolve()) else None
    except (ValueError, OSError):
        return None


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
