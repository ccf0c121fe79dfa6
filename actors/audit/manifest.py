"""Holds manifest.json against the ledgers. Law: it is compared with the ledgers up to the records that it counts; a run
that went on since, and has not ended, makes it old, not false.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from actors.audit.book import Book, Totals
from actors.audit.findings import Findings
from schemas.audit import Check
from schemas.manifest import Manifest

MANIFEST = "manifest.json"


def read_manifest(output: Path, findings: Findings) -> Manifest | None:
    """None where there is none, or none that can be read: findings say so."""
    path = output / MANIFEST
    if not path.is_file():
        findings.warning(Check.MANIFEST, "not written yet; the run has not been finished", MANIFEST)
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        findings.error(Check.MANIFEST, f"cannot be read: {error}", MANIFEST)
        return None


def is_current(manifest: Manifest, books: Sequence[Book]) -> bool:
    """Whether it counts all that the ledgers hold; one of an older version says nothing and is held to all."""
    return all(manifest.ledgers.get(book.shard.ledger, book.last_seq) >= book.last_seq for book in books)


def check_manifest(manifest: Manifest, books: Sequence[Book], findings: Findings) -> None:
    """Its counts against the ledgers'."""
    totals: list[Totals] = []
    for book in books:
        counted = manifest.ledgers.get(book.shard.ledger, book.last_seq)
        if counted > book.last_seq:
            what = f"counts {counted} records of {book.name}, which ends at {book.last_seq}: the ledger is older"
            findings.error(Check.MANIFEST, what, MANIFEST)
            return
        totals.append(book.at_manifest or book.totals())
    if not is_current(manifest, books):
        what = "older than the ledger: the run has gone on since; its next end, or the same command, writes it again"
        findings.warning(Check.MANIFEST, what, MANIFEST)
    true = Totals.over(totals)
    for name in Totals.__struct_fields__:
        said, counted = getattr(manifest.counts, name), getattr(true, name)
        if said != counted:
            findings.error(Check.MANIFEST, f"counts {said} {name}, the ledger {counted}", MANIFEST)
