"""Compares manifest.json with the ledgers and the configuration. Law: it is compared with both as they were at the
records that it counts. A run that went on since makes the manifest old, not false.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from actors.audit.book import Book, Moment, Totals
from actors.audit.bounded import TooLarge, read_bounded
from actors.audit.configured import Configured
from actors.audit.findings import Findings
from schemas.audit import Check
from schemas.ledger import ShardWritten
from schemas.manifest import Manifest, ShardFile

MANIFEST = "manifest.json"
LARGEST = 1 << 26
"""In bytes: some 400,000 shards. A larger manifest is not read."""


def read_manifest(output: Path, findings: Findings) -> Manifest | None:
    """The manifest; None when it is missing or unreadable, which findings report."""
    try:
        return msgspec.json.decode(read_bounded(output / MANIFEST, LARGEST), type=Manifest)
    except FileNotFoundError:
        findings.warning(Check.MANIFEST, "not written yet; the run has not been finished", MANIFEST)
    except TooLarge as error:
        findings.warning(Check.MANIFEST, f"not checked: {error}", MANIFEST)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        findings.error(Check.MANIFEST, f"cannot be read: {error}", MANIFEST)
    return None


def shards_named(output: Path) -> Collection[str]:
    """The shards that the manifest on disk names now; none when it cannot be read."""
    manifest = read_manifest(output, Findings())
    return [shard.name for shard in manifest.shards] if manifest is not None else ()


def is_current(manifest: Manifest, books: Sequence[Book]) -> bool:
    """Whether the manifest counts all records of the ledgers. One of an older version counts none and is taken as
    current."""
    return all(manifest.ledgers.get(book.shard.ledger, book.last_seq) >= book.last_seq for book in books)


def check_manifest(manifest: Manifest, books: Sequence[Book], now: Configured | None, findings: Findings) -> None:
    """Checks the manifest's counts, shards and configuration. `now`: the contents of run.yaml."""
    for book in books:
        counted = manifest.ledgers.get(book.shard.ledger, book.last_seq)
        if counted > book.last_seq:
            what = f"counts {counted} records of {book.name}, which ends at {book.last_seq}: the ledger is older"
            findings.error(Check.MANIFEST, what, MANIFEST)
            return
    moments = [book.at_manifest or book.moment() for book in books]
    if not is_current(manifest, books):
        what = "older than the ledger: the run has gone on since; its next end, or the same command, writes it again"
        findings.warning(Check.MANIFEST, what, MANIFEST)
    _check_counts(manifest, moments, findings)
    _check_shards(manifest, [shard for moment in moments for shard in moment.shards], findings)
    if manifest.config_sha256 != moments[0].config_sha256:
        findings.error(Check.MANIFEST, "is of another configuration than the run's last start then", MANIFEST)
    first = books[0]
    counted = manifest.ledgers.get(first.shard.ledger, first.last_seq)
    asked = first.configured_at(counted, now)
    if asked is not None and manifest.counts.issued:  # before the first order another configuration is taken
        _check_configuration(manifest, asked, findings)


def _check_counts(manifest: Manifest, moments: Sequence[Moment], findings: Findings) -> None:
    true = Totals.over(moment.totals for moment in moments)
    for name in Totals.__struct_fields__:
        said, counted = getattr(manifest.counts, name), getattr(true, name)
        if said != counted:
            findings.error(Check.MANIFEST, f"counts {said} {name}, the ledger {counted}", MANIFEST)
    if manifest.complete and (true.outstanding or not any(moment.all_planned for moment in moments)):
        findings.error(Check.MANIFEST, "says that the run is complete, and the ledger does not", MANIFEST)


def _check_shards(manifest: Manifest, shards: Sequence[ShardWritten], findings: Findings) -> None:
    said = set(manifest.shards)
    true = {ShardFile(shard.name, shard.rows, shard.sha256) for shard in shards}
    for verb, each in (("names", said - true), ("lacks", true - said)):
        if each:
            first = min(shard.name for shard in each)
            which = "that are not the ledger's" if verb == "names" else "of the ledger"
            findings.error(Check.MANIFEST, f"{verb} {len(each)} shards {which}: {first}", MANIFEST)


def _check_configuration(manifest: Manifest, asked: Configured, findings: Findings) -> None:
    said: Mapping[str, tuple[Mapping, Mapping]] = {
        "other models": (manifest.models, asked.all_models),
        "other thresholds": (manifest.thresholds, asked.model_thresholds),
        "another seed": ({"seed": manifest.seed}, {"seed": asked.seed}),
    }
    for name, (found, expected) in said.items():
        stated = {key: value for key, value in found.items() if expected.get(key, value) is not None}
        known = {key: value for key, value in expected.items() if value is not None}
        if stated != known:
            findings.error(Check.MANIFEST, f"has {name} than the configuration", MANIFEST)
