"""Mends a folder whose ledger cannot be replayed, so that no run, report or export can open it.

Law: never while a run holds the folder. Nothing is changed unless the repaired folder was checked first. What was there
stays, as a copy and record by record.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from actors.audit.book import Book
from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.audit.quotes import check_elsewhere
from actors.audit.shards import check_shards
from actors.dataset.manifest import read_config
from actors.ledger.door import check_shards as check_names
from actors.ledger.folder import Ledgers
from actors.ledger.repair import Unreplayable, copied, rewrite, unreplayable, voids, with_voids
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.report.finish import finish
from deployments.build.versions import versions
from deployments.build.wiring import replaying
from deployments.folder.settings import differences_with
from deployments.folder.shards import write_shards
from schemas.audit import Check, Finding, Severity
from schemas.config import RunConfig
from schemas.errors import LedgerError, OutputError
from schemas.ledger import ShardKind, Voided


class SetAside(Struct, frozen=True):
    """A record that could not be replayed."""

    ledger: str
    seq: int
    kind: str
    why: str


class Repaired(Struct, frozen=True):
    """The records that were set aside, or would be, and the names of the ledgers' copies."""

    records: tuple[SetAside, ...] = ()
    copies: tuple[str, ...] = ()


def repair(
    output: Path, *, now: Callable[[], float], dry_run: bool = False, given: RunConfig | None = None
) -> Repaired:
    """Sets aside every record that cannot be replayed. `dry_run`: only lists them. `given`: the run's configuration,
    which is needed for a task that is code. Raises OutputError, with nothing changed, when this would not mend the
    folder, and while a run goes on."""
    config = read_config(output)
    if config is None:
        raise OutputError(f"{output}: cannot be repaired: run.yaml is missing; restore it from a copy")
    differences_with(output, given)
    with ExitStack() as held, Ledgers(output) as readers:
        check_names(shard for reader in readers.each for shard in reader.shards())
        ledgers = [] if dry_run else [held.enter_context(SqliteLedger(output, each.shard)) for each in readers.each]
        found = {reader: _unreplayable(output, config, reader, {}) for reader in readers.each}
        in_place = {reader: voids(records, now()) for reader, records in found.items()}
        aside = tuple(
            SetAside(reader.shard.ledger, each.seq, each.kind, each.why)
            for reader, records in found.items()
            for each in records
        )
        if aside:
            _check_holds(output, config, in_place)
        if not aside or dry_run:
            return Repaired(aside)
        paths = {output / reader.shard.ledger: records for reader, records in in_place.items() if records}
        copies = tuple(copied(path).name for path in paths)
        for path, records in paths.items():
            rewrite(path, records)
        for ledger, reader in zip(ledgers, readers.each, strict=True):
            asyncio.run(write_shards(output, ledger, reader, config, now))
        finish(output, now=now(), versions=versions())
    return Repaired(aside, copies)


def _check_holds(output: Path, config: RunConfig, in_place: Mapping[LedgerReader, Mapping[int, Voided]]) -> None:
    """Raises OutputError when the folder could still not be replayed, or another promise of it would be broken."""
    for reader, records in in_place.items():
        left = _unreplayable(output, config, reader, records)
        if left:
            raise OutputError(f"{output}: cannot be repaired: record {left[0].seq} still could not be replayed")
    before = {finding.what for finding in _faults(output, {reader: {} for reader in in_place})}
    for finding in _faults(output, in_place):
        if finding.check is Check.ROWS or finding.what not in before:
            raise OutputError(f"{output}: cannot be repaired: {finding.where}: {finding.what}; restore it from a copy")


def _unreplayable(
    output: Path, config: RunConfig, reader: LedgerReader, in_place: Mapping[int, Voided]
) -> list[Unreplayable]:
    try:
        return unreplayable(with_voids(reader.records(), in_place), replaying(config))
    except LedgerError as error:
        raise OutputError(f"{output}: cannot be repaired: {error}; restore it from a copy") from error


def _faults(output: Path, in_place: Mapping[LedgerReader, Mapping[int, Voided]]) -> list[Finding]:
    """The errors that `gleaner verify` would find in ledgers and shards with these records in place. Ends that are in
    no shard yet do not count: they are written after the repair."""
    findings = Findings()
    books: list[Book] = [
        read_book(with_voids(reader.records(), records), findings, reader.shard) for reader, records in in_place.items()
    ]
    check_elsewhere(books, findings)
    check_shards(output, books, findings)
    to_be_written = {kind.value for kind in ShardKind}
    errors = (finding for finding in findings.kept if finding.severity is Severity.ERROR)
    return [finding for finding in errors if finding.where not in to_be_written]
