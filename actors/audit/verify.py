"""The whole of `gleaner verify`. Law: files alone, no model; what could not be checked is said, never passed over."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import msgspec

from actors.audit.book import ACCEPTED, DEAD_LETTERED, OPEN, Book, read_book
from actors.audit.findings import Findings
from actors.audit.shards import check_shards
from actors.ledger import LedgerReader
from schemas.audit import AuditReport, Check
from schemas.corpus import Document
from schemas.errors import CorpusError, LedgerError
from schemas.manifest import Manifest

MANIFEST = "manifest.json"
ReadAgain = Callable[[Collection[str]], Iterator[Document]]
"""The documents of these uris, from the corpus as it is now; what is gone does not come."""


def verify(output: Path, read_again: ReadAgain) -> AuditReport:
    """Conservation, shards, rows, provenance and manifest. Raises OutputError when the folder holds no run."""
    findings = Findings()
    with LedgerReader(output) as ledger:
        book = _book(ledger, findings)
    rows = check_shards(output, book, findings)
    checked = _check_sources(book, read_again, findings)
    _check_manifest(output, book, findings)
    return AuditReport(
        orders=len(book.ends),
        accepted=book.count(ACCEPTED),
        dead_lettered=book.count(DEAD_LETTERED),
        outstanding=book.count(OPEN),
        shards=len(book.shards),
        rows=rows,
        passages=sum(len(spans) for spans in book.spans.values()),
        passages_checked=checked,
        quotes=book.quotes,
        findings=tuple(findings.kept),
        faults=findings.faults,
    )


def _book(ledger: LedgerReader, findings: Findings) -> Book:
    try:
        return read_book(ledger.records(), findings)
    except LedgerError as error:
        findings.error(Check.CONSERVATION, str(error), "ledger")
        return Book(rows={})


def _check_sources(book: Book, read_again: ReadAgain, findings: Findings) -> int:
    """Every passage against its document's slice; gives how many were compared."""
    checked = 0
    missing = {uri: len(spans) for uri, spans in book.spans.items()}
    try:
        for document in read_again(book.spans.keys()):
            spans = book.spans[document.uri]
            checked += missing.pop(document.uri, 0)
            for span in spans:
                if document.sha256 != span.document_sha256:
                    findings.error(Check.PROVENANCE, "the document has changed since the run read it", document.uri)
                    break
                if document.text[span.start : span.end] != span.text:
                    what = f"characters {span.start} to {span.end} are not passage {span.passage_id}"
                    findings.error(Check.PROVENANCE, what, document.uri)
                if document.reference != span.reference:
                    what = f"the reference answer of passage {span.passage_id} has changed since the run read it"
                    findings.error(Check.PROVENANCE, what, document.uri)
    except CorpusError as error:
        findings.warning(Check.PROVENANCE, f"the corpus cannot be read again: {error}", "corpus")
    if missing:
        what = f"not checked: {sum(missing.values())} passages, whose documents are not there any more"
        findings.warning(Check.PROVENANCE, what, next(iter(missing)))
    return checked


def _check_manifest(output: Path, book: Book, findings: Findings) -> None:
    path = output / MANIFEST
    if not path.is_file():
        findings.warning(Check.MANIFEST, "not written yet; the run has not been finished", MANIFEST)
        return
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        findings.error(Check.MANIFEST, f"cannot be read: {error}", MANIFEST)
        return
    counts = manifest.counts
    said = (counts.issued, counts.accepted, counts.dead_lettered, counts.outstanding)
    true = (len(book.ends), book.count(ACCEPTED), book.count(DEAD_LETTERED), book.count(OPEN))
    for name, one, other in zip(("issued", "accepted", "dead_lettered", "outstanding"), said, true, strict=True):
        if one != other:
            findings.error(Check.MANIFEST, f"counts {one} {name}, the ledger {other}", MANIFEST)
    if counts.injected != len(book.injected):
        what = f"counts {counts.injected} injected, the ledger {len(book.injected)}"
        findings.error(Check.MANIFEST, what, MANIFEST)
