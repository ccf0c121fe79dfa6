"""All of `gleaner verify`. Law: it reads files alone and uses no model. What could not be checked is reported."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from actors.audit.book import Book, KnownPassage, Totals
from actors.audit.chain import check_chain
from actors.audit.configuration import IsEdited, check_asked, check_edited, check_labels
from actors.audit.configured import Configured, configured, read_text
from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.audit.manifest import check_manifest, is_current, read_manifest
from actors.audit.quotes import check_elsewhere
from actors.audit.rows import check_columns
from actors.audit.shards import check_shards
from actors.audit.texts import check_kept
from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import LedgerReader
from schemas.audit import AuditReport, Check
from schemas.corpus import Document
from schemas.errors import CorpusError, LedgerError
from schemas.ledger import ShardKind

ReadAgain = Callable[[Collection[str]], Iterator[Document]]
"""The documents with these uris, from the corpus as it is now. A document that is gone is left out."""
Unread = Callable[[str], str | None]
"""Why the document with this uri cannot be read again here, to follow "whose documents"; None when it can be."""


def verify(
    output: Path, read_again: ReadAgain, is_edited: IsEdited | None = None, unread: Unread = lambda uri: None
) -> AuditReport:
    """Checks conservation, gates, shards, rows, provenance, manifest and run.yaml. `is_edited` compares run.yaml with
    the ledger's fingerprint; None skips that check. Raises OutputError when the folder holds no run."""
    findings = Findings()
    manifest = read_manifest(output, findings)  # read before the ledgers: a run may be adding to them
    counted = manifest.ledgers if manifest else {}
    before = read_text(output)
    with Ledgers(output) as ledgers:
        books = [_book(ledger, findings, counted.get(ledger.shard.ledger)) for ledger in ledgers.each]
    now = _configured(before, output, findings)
    check_elsewhere(books, findings)
    check_asked(books, now, findings)
    check_labels(books, findings)
    if is_edited is not None:
        check_edited(output, books, is_edited, findings)
    finished = manifest is not None and is_current(manifest, books)
    rows = 0
    try:
        rows = check_shards(output, books, findings, finished=finished)
        check_columns(output, books, now, findings)
    except LedgerError as error:
        findings.error(Check.SHARDS, f"not compared: {error}", "shards and rows")
    spans = _spans(books)
    changed = set[str]().union(*(book.changed for book in books))
    left, checked = check_kept(output, spans, findings)
    checked += _check_sources(_open(left, unread, findings), changed, read_again, findings)
    orders = Totals.over(book.totals() for book in books)
    if manifest is not None:
        check_manifest(manifest, books, now, findings)
    check_chain(output, manifest, books, findings)
    return AuditReport(
        orders=orders.issued,
        accepted=orders.accepted,
        dead_lettered=orders.dead_lettered,
        not_needed=orders.not_needed,
        outstanding=orders.outstanding,
        shards=sum(len(book.shards) for book in books),
        rows=rows,
        passages=sum(map(len, spans.values())),
        passages_checked=checked,
        quotes=sum(book.quotes for book in books),
        findings=tuple(findings.kept),
        faults=findings.faults,
    )


def _open(by_uri: dict[str, list[KnownPassage]], unread: Unread, findings: Findings) -> dict[str, list[KnownPassage]]:
    """The passages whose documents can be read again. One warning for each reason says how many cannot be."""
    closed: dict[str, list[str]] = {}
    for uri in by_uri:
        if (why := unread(uri)) is not None:
            closed.setdefault(why, []).append(uri)
    for why, uris in closed.items():
        what = f"not checked: {sum(len(by_uri[uri]) for uri in uris)} passages, whose documents {why}"
        findings.warning(Check.PROVENANCE, what, uris[0])
    left = set(by_uri).difference(*closed.values())
    return {uri: spans for uri, spans in by_uri.items() if uri in left} if closed else by_uri


def _book(ledger: LedgerReader, findings: Findings, manifest_seq: int | None) -> Book:
    try:
        return read_book(ledger.records(), findings, ledger.shard, manifest_seq=manifest_seq)
    except LedgerError as error:
        book = Book(rows=dict.fromkeys(ShardKind, 0), shard=ledger.shard)
        findings.error(Check.CONSERVATION, str(error), book.name)
        return book


def _configured(before: bytes | None, output: Path, findings: Findings) -> Configured | None:
    """The configuration in run.yaml. The ledgers were read after `before`; None when run.yaml was replaced since
    then."""
    if read_text(output) != before:
        findings.warning(Check.MANIFEST, "not compared: a replay changes it at this moment", "run.yaml")
        return None
    return configured(before)


def _spans(books: Sequence[Book]) -> dict[str, list[KnownPassage]]:
    """All passages by their document's uri. The passages of one document may be in several ledgers."""
    if len(books) == 1:
        return books[0].spans
    found: dict[str, list[KnownPassage]] = {}
    for book in books:
        for uri, spans in book.spans.items():
            found.setdefault(uri, []).extend(spans)
    return found


def _check_sources(
    by_uri: dict[str, list[KnownPassage]], changed: Collection[str], read_again: ReadAgain, findings: Findings
) -> int:
    """Compares every passage with its document's slice, and gives how many it compared. A version that the run knows to
    be replaced (it is in `changed`, or a later version is planned) cannot be compared any more."""
    checked = replaced = 0
    missing = {uri: len(spans) for uri, spans in by_uri.items()}
    try:
        for document in read_again(by_uri.keys()) if by_uri else ():
            spans = by_uri[document.uri]
            missing.pop(document.uri, 0)
            current = [span for span in spans if span.document_sha256 == document.sha256]
            if len(current) < len(spans) and not current and document.uri not in changed:
                findings.error(Check.PROVENANCE, "the document has changed since the run read it", document.uri)
            elif len(current) < len(spans):
                replaced += len(spans) - len(current)
            checked += len(current)
            for span in current:
                if document.text[span.start : span.end] != span.text:
                    what = f"characters {span.start} to {span.end} are not passage {span.passage_id}"
                    findings.error(Check.PROVENANCE, what, document.uri)
                if document.reference != span.reference:
                    what = f"the reference answer of passage {span.passage_id} has changed since the run read it"
                    findings.error(Check.PROVENANCE, what, document.uri)
    except CorpusError as error:
        findings.warning(Check.PROVENANCE, f"the corpus cannot be read again: {error}", "corpus")
    if replaced:
        what = f"not checked: {replaced} passages of documents that have changed since, as the run noticed"
        findings.warning(Check.PROVENANCE, what, "corpus")
    if missing:
        what = f"not checked: {sum(missing.values())} passages, whose documents no longer exist"
        findings.warning(Check.PROVENANCE, what, next(iter(missing)))
    return checked
