"""Computes each ledger's running hash again. Law: each record is as it was written. Every shard, manifest.json and
checksums.txt were written from the records that the ledger has now.

A changed or missing body does not fit its stored head. A ledger that was cut and then continued fits its own heads, but
not the heads that its shards hold.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from actors.audit.book import Book
from actors.audit.bounded import TooLarge
from actors.audit.files import CHECKSUMS, checksums_of, inside, stamp_of
from actors.audit.findings import Findings
from actors.audit.manifest import MANIFEST
from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import LedgerReader
from schemas.audit import Check
from schemas.errors import LedgerError
from schemas.manifest import Manifest

_LINE = re.compile(r"# running hash of (\S+) up to record ([0-9]{1,18}): ([0-9a-f]+)", re.ASCII)


class _ClaimedHead(Struct, frozen=True):
    """The head of a ledger at a record, and the ledger's id, as the file `where` states them."""

    ledger: str
    seq: int
    head: str
    where: str
    folder: str | None = None


def check_chain(output: Path, manifest: Manifest | None, books: Sequence[Book], findings: Findings) -> None:
    """Checks every record against its head, and the heads that files state. The files are read before the ledgers,
    because a run may be adding to both."""
    if manifest is not None:
        _check_lines(output, manifest, findings)
    claims = [*_of_shards(output, books), *_of_manifest(manifest), *_of_checksums(output)]
    with Ledgers(output) as ledgers:
        for ledger in ledgers.each:
            name = ledger.shard.ledger
            try:
                _check_ledger(ledger, [claim for claim in claims if claim.ledger == name], findings)
            except LedgerError as error:
                findings.error(Check.LEDGER, str(error), name)


def _check_ledger(ledger: LedgerReader, claims: Sequence[_ClaimedHead], findings: Findings) -> None:
    for claim in claims:
        if claim.folder not in (None, ledger.folder):
            findings.error(Check.LEDGER, "was written beside another ledger", claim.where)
    claimed: dict[int, list[_ClaimedHead]] = {}
    for claim in claims:
        claimed.setdefault(claim.seq, []).append(claim)
    head, seq, before = bytes(16), 0, 0
    for seq, stored, body in ledger.hashed():
        if stored != blake2b(head + body, digest_size=16).digest():
            findings.error(Check.LEDGER, _changed(before + 1, seq), ledger.shard.ledger)
        head, before = stored, seq
        _compare(claimed.pop(seq, ()), head.hex(), findings)
    for claim in (claim for later in claimed.values() for claim in later if claim.where != MANIFEST):
        what = f"was written when the ledger had record {claim.seq}; it ends at {seq}: the ledger is older"
        findings.error(Check.LEDGER, what, claim.where)


def _changed(first: int, last: int) -> str:
    """A missing record is reported together with the record after it."""
    records = f"record {last} is" if first == last else f"records {first} to {last} are"
    return f"{records} not what was written (the running hash differs)"


def _compare(claims: Iterable[_ClaimedHead], head: str, findings: Findings) -> None:
    for claim in claims:
        if claim.head != head:
            what = f"the ledger's records up to {claim.seq} are not the records that it was written from"
            findings.error(Check.LEDGER, what, claim.where)


def _of_shards(output: Path, books: Sequence[Book]) -> Iterator[_ClaimedHead]:
    for book in books:
        for shard in book.shards.values():
            path = inside(output, shard.name)
            stamp = None if path is None else stamp_of(path)
            if stamp is not None:
                yield _ClaimedHead(book.shard.ledger, stamp.last_seq, stamp.head, shard.name, stamp.folder)


def _of_manifest(manifest: Manifest | None) -> Iterator[_ClaimedHead]:
    """A head of a record that the ledger does not have is left to the check of the manifest's counts."""
    if manifest is not None:
        for ledger, head in manifest.heads.items():
            yield _ClaimedHead(ledger, manifest.ledgers.get(ledger, 0), head, MANIFEST)


def _of_checksums(output: Path) -> Iterator[_ClaimedHead]:
    for line in _lines(output):
        if (found := _LINE.fullmatch(line)) is not None:
            yield _ClaimedHead(found[1], int(found[2]), found[3], CHECKSUMS)


def _check_lines(output: Path, manifest: Manifest, findings: Findings) -> None:
    """A run writes both files together, so each ledger in the manifest must have its line in checksums.txt."""
    lines = _lines(output)
    named = {found[1] for line in lines if (found := _LINE.fullmatch(line)) is not None}
    for ledger in manifest.heads:
        if lines and ledger not in named:
            findings.error(Check.LEDGER, f"has no line of the running hash of {ledger}", CHECKSUMS)


def _lines(output: Path) -> list[str]:
    try:
        return (checksums_of(output) or "").splitlines()
    except TooLarge:  # `check_sums` reports it
        return []
