"""Finishes an output folder: manifest, card, report and checksums. Law: this can be repeated at any time, even while a
run goes on.

Checksums cover files that do not change once they are written. They leave out the ledger, which a resumed run
continues, and report.html, which can be made from it again at any time.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from actors.dataset.manifest import CHECKSUMS_NAME, CONFIG_NAME, NAME, head_line, read_config, read_manifest
from actors.dataset.spans import current
from actors.dataset.strangers import check_not_older
from actors.ledger.files import LOCAL_DISK, Disk, disk_errors, sha256_of, write_atomically
from actors.ledger.folder import Ledgers
from actors.report.card import card
from actors.report.facts import ReportFold, facts_of
from actors.report.manifest import encode, manifest_of
from actors.report.page import PAGE_NAME, render
from schemas.config import RunConfig
from schemas.errors import OutputError
from schemas.ledger import ShardWritten
from schemas.manifest import Manifest

CARD_NAME = "README.md"


def finish(output: Path, *, now: float, versions: Mapping[str, str], disk: Disk = LOCAL_DISK) -> Manifest:
    """Writes manifest.json, README.md, report.html and checksums.txt from the ledger. `now`: seconds since the epoch.

    Raises OutputError when the folder holds no run, when its ledger is older than its shards, or when it cannot be
    written.
    """
    check_not_older(output)
    config = read_config(output)
    with Ledgers(output) as ledgers, ledgers.frozen() as last:
        facts = facts_of(ledgers.records(), seed=config.seed if config else 0)
        manifest = _with_ledgers(manifest_of(facts, _shards(ledgers), config, versions=versions), ledgers, last)
        page = render(facts, manifest, ledgers, now=now)
    withdraw_checksums(output, disk=disk)
    write_atomically(output / NAME, encode(manifest), disk=disk)
    told = card(manifest, config, documents=facts.documents, passages=facts.passages, ledgers=len(ledgers.each))
    write_atomically(output / CARD_NAME, told, disk=disk)
    write_atomically(output / PAGE_NAME, page, disk=disk)
    write_atomically(output / CHECKSUMS_NAME, checksums(output, manifest), disk=disk)
    return manifest


def is_finished(output: Path) -> bool:
    """Whether the files that `finish` writes agree with the ledger as it is now: the process that wrote them may have
    died in between. Raises OutputError when the folder holds no run."""
    path = output / CHECKSUMS_NAME
    try:
        known = read_manifest(output)
    except OutputError:
        return False
    if known is None or not path.is_file():
        return False
    config = read_config(output)
    with Ledgers(output) as ledgers, ledgers.frozen() as last:
        manifest = manifest_in(ledgers, last, config, versions=known.versions)
    lines = path.read_text(encoding="utf-8", errors="replace")
    return encode(manifest) == encode(known) and lines == checksums(output, known)


def withdraw_checksums(output: Path, *, disk: Disk = LOCAL_DISK) -> None:
    """Removes checksums.txt before a file that it names is replaced. So a crash in between leaves no list and not a
    false one. `finish` writes it again. Raises OutputError."""
    path = output / CHECKSUMS_NAME
    if path.exists():
        with disk_errors(path):
            disk.remove(path)
            disk.sync_folder(output)


def replace_config(output: Path, text: str) -> None:
    """Writes run.yaml. Raises OutputError and OSError."""
    path = output / CONFIG_NAME
    if path.exists() and path.read_bytes() != text.encode():
        withdraw_checksums(output)
    write_atomically(path, text)


def begin(output: Path, config: RunConfig, *, disk: Disk = LOCAL_DISK) -> None:
    """Writes README.md when a run begins, so that `load_dataset(FOLDER)` works from the first shard on. An existing
    README.md stays. Raises OutputError."""
    if not (output / CARD_NAME).exists():
        nothing = manifest_of(ReportFold(seed=config.seed), (), config, versions={})
        write_atomically(output / CARD_NAME, card(nothing, config, documents=None, passages=0), disk=disk)


def build_report(output: Path, now: float) -> str:
    """The page of a folder, finished or not, from its files alone. Raises OutputError when the folder holds no run, or
    its ledger is older than its shards."""
    check_not_older(output)
    config, known = read_config(output), read_manifest(output)
    with Ledgers(output) as ledgers, ledgers.frozen():
        facts = facts_of(ledgers.records(), seed=config.seed if config else 0)
        recorded = known.versions if known else {}
        manifest = manifest_of(facts, _shards(ledgers), config, versions=recorded)
        return render(facts, manifest, ledgers, now=now)


def manifest_in(
    ledgers: Ledgers, last: Mapping[str, int], config: RunConfig | None, *, versions: Mapping[str, str]
) -> Manifest:
    """The manifest of frozen ledgers, as `finish` writes it. `last`: what `frozen` gave."""
    facts = facts_of(ledgers.records(), seed=config.seed if config else 0)
    return _with_ledgers(manifest_of(facts, _shards(ledgers), config, versions=versions), ledgers, last)


def _with_ledgers(manifest: Manifest, ledgers: Ledgers, last: Mapping[str, int]) -> Manifest:
    heads = {ledger.shard.ledger: ledger.head(last[ledger.shard.ledger]) for ledger in ledgers.each}
    return replace(manifest, ledgers=dict(last), heads=heads)


def _shards(ledgers: Ledgers) -> list[ShardWritten]:
    return [shard for ledger in ledgers.each for shard in current(ledger.shards())]


def checksums(output: Path, manifest: Manifest) -> str:
    """The lines of checksums.txt, in the form that `sha256sum -c` reads. Its first lines are comments with the ledgers'
    running hashes: a ledger has no checksum, since it may grow."""
    names = [CONFIG_NAME, NAME, CARD_NAME, *(shard.name for shard in manifest.shards)]
    digests = [(sha256_of(output / name), name) for name in names]
    heads = [f"{head_line(name, manifest.ledgers[name], head)}\n" for name, head in manifest.heads.items()]
    return "".join([*heads, *(f"{digest}  {name}\n" for digest, name in digests if digest is not None)])
