"""Follows every order through the ledger. Law: issued once, attempts without a gap, one end, nothing after it; but a
dead letter may be put back, by name and as it was. An accepted order never is.

Written apart from the queue on purpose: what proves the queue must not be the queue.
"""

from bisect import insort
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import astuple

from actors.audit.findings import Findings
from schemas.audit import Check
from schemas.corpus import Passage, RefusalReason, passage_id
from schemas.ids import OrderId, PassageId
from schemas.ledger import (
    AcceptedEnd,
    CanaryEnded,
    CanaryIssued,
    CorpusEnded,
    CreditBegun,
    Credited,
    DeadLetteredEnd,
    Planned,
    Record,
    Refused,
    Rejoined,
    Reopened,
    Rolled,
    ShardKind,
    ShardWritten,
    Voided,
)
from schemas.orders import Attempt
from schemas.queue_shard import ONLY, QueueShard, shard_of
from schemas.verdicts import Errored, Passed, Quote, Verdict

OPEN, ACCEPTED, DEAD_LETTERED = 0, 1, 2


class Span(Struct, frozen=True):
    """A passage as the ledger holds it, without what a check does not need."""

    passage_id: PassageId
    document_sha256: str
    start: int
    end: int
    text: str
    reference: str | None = None


class Totals(Struct, frozen=True):
    """Orders by state."""

    issued: int
    accepted: int
    dead_lettered: int
    outstanding: int
    injected: int

    @staticmethod
    def over(each: "Iterable[Totals]") -> "Totals":
        """Of several ledgers together."""
        rows = [astuple(totals) for totals in each]
        return Totals(*map(sum, zip(*rows, strict=True)))


class Book(Struct):
    """What one ledger says. `shard`: whose it is; `ends`: each order's end; `end_seqs`: which record it is; `rows`: how
    many rows shards must hold, by kind; `undone`: ends that no longer hold, ascending; `shards`: of each kind and range
    the last."""

    ends: dict[OrderId, int] = {}
    attempts: dict[OrderId, int] = {}
    passages: dict[OrderId, PassageId] = {}
    spans: dict[str, list[Span]] = {}
    changed: set[str] = set()
    """Documents that the run found to be no longer what was planned."""
    rows: dict[ShardKind, int] = {}
    end_seqs: dict[OrderId, int] = {}
    undone: list[int] = []
    shards: dict[tuple[ShardKind, int], ShardWritten] = {}
    planned: set[PassageId] = set()
    injected: set[OrderId] = set()
    """Orders that were made bad on purpose: no shard may hold a row of theirs."""
    canaries: dict[OrderId, int] = {}
    """Labelled samples by state: no orders, and in no shard either."""
    quotes: int = 0
    elsewhere: list[tuple[Quote, OrderId]] = []
    """Quotes in other passages than the order's: checked when all passages are known."""
    credits: dict[tuple[OrderId, int], bool] = {}
    """Solutions whose credit began, by order and attempt; whether it has ended."""
    rolled: set[OrderId] = set()
    refused: set[tuple[str, str, str]] = set()
    """Documents that were turned away: uri, reason and detail."""
    last_seq: int = 0
    manifest_seq: int | None = None
    at_manifest: "Totals | None" = None
    """The orders when the ledger had the last record that manifest.json counts; None where it never had."""
    corpus_ended: bool = False
    shard: QueueShard = ONLY

    @property
    def name(self) -> str:
        """The ledger's, for a person."""
        return self.shard.ledger.removesuffix(".sqlite")

    def count(self, state: int) -> int:
        """Orders in a state."""
        return sum(end == state for end in self.ends.values())

    def totals(self) -> Totals:
        """Its orders as they are."""
        accepted, dead_lettered, outstanding = map(self.count, (ACCEPTED, DEAD_LETTERED, OPEN))
        return Totals(len(self.ends), accepted, dead_lettered, outstanding, len(self.injected))


def read_book(
    records: Iterable[tuple[int, Record]],
    findings: Findings,
    shard: QueueShard = ONLY,
    *,
    manifest_seq: int | None = None,
) -> Book:
    """A whole ledger, checked on the way; `check_elsewhere` checks what rests on the others of the run.
    `manifest_seq`: the last record that manifest.json counts, where it says so."""
    book = Book(rows=dict.fromkeys(ShardKind, 0), shard=shard, manifest_seq=manifest_seq)
    texts: dict[PassageId, str] = {}
    for seq, record in records:
        if seq != book.last_seq + 1:
            findings.error(Check.CONSERVATION, f"records {book.last_seq + 1} to {seq - 1} are missing", book.name)
        book.last_seq = seq
        match record:
            case Planned():
                book.corpus_ended = False
                _plan(book, record, findings)
                texts[record.passage.id] = record.passage.text
            case Rejoined() | AcceptedEnd() | DeadLetteredEnd():
                _move(book, record, texts, findings)
            case Reopened():
                _put_back(book, record, findings)
            case Refused():
                if record.document.reason is RefusalReason.CHANGED:
                    book.changed.add(record.document.uri)
                book.rows[ShardKind.DEAD_LETTERS] += 1
                book.refused.add((record.document.uri, record.document.reason.value, record.document.detail))
            case ShardWritten():
                book.shards[(record.kind, record.first_seq)] = record
            case CorpusEnded():
                book.corpus_ended = True
                book.changed -= {each.uri for each in record.read_again if each.reason is RefusalReason.CHANGED}
            case _:
                _beside(book, record, findings)
        _count_for_manifest(book)
    return book


def _count_for_manifest(book: Book) -> None:
    if book.last_seq == book.manifest_seq:
        book.at_manifest = book.totals()


def _beside(book: Book, record: Record, findings: Findings) -> None:
    """What goes through the gates beside the orders: canaries and rollouts."""
    match record:
        case CanaryIssued() | CanaryEnded():
            _probe(book, record, findings)
        case CreditBegun() | Credited() | Rolled():
            _credit(book, record, findings)
        case Voided():
            what = f"record {book.last_seq} ({record.was}) was set aside by `gleaner repair`: {record.why}"
            findings.warning(Check.CONSERVATION, what, book.name)
        case _:
            pass


def _plan(book: Book, record: Planned, findings: Findings) -> None:
    passage = record.passage
    if passage.id in book.planned:
        findings.error(Check.CONSERVATION, f"passage {passage.id} is planned twice", book.name)
    book.planned.add(passage.id)
    if not book.shard.holds(passage.id):
        what = f"passage {passage.id} belongs into the ledger of shard {shard_of(passage.id, book.shard.count)}"
        findings.error(Check.CONSERVATION, what, book.name)
    if passage_id(passage.text, passage.provenance, passage.reference) != passage.id:
        findings.error(Check.PROVENANCE, f"passage {passage.id} is not what its id says", passage.provenance.uri)
    _keep_span(book, passage)
    for order in record.orders:
        if order.id in book.ends:
            findings.error(Check.CONSERVATION, "an order is issued twice", f"order {order.id}", order.id)
        book.ends[order.id] = OPEN
        book.attempts[order.id] = 0
        book.passages[order.id] = passage.id


def _probe(book: Book, record: CanaryIssued | CanaryEnded, findings: Findings) -> None:
    """A canary is issued once and ends once; its id is no order's."""
    canary_id, state = record.order_id, book.canaries.get(record.order_id)
    expected = None if isinstance(record, CanaryIssued) else OPEN
    if state != expected or canary_id in book.ends:
        what = "a canary is issued twice" if isinstance(record, CanaryIssued) else "a canary ends that is not open"
        findings.error(Check.CONSERVATION, what, f"canary {canary_id}", canary_id)
    book.canaries[canary_id] = OPEN if isinstance(record, CanaryIssued) else ACCEPTED


def _keep_span(book: Book, passage: Passage) -> None:
    where = passage.provenance
    span = Span(passage.id, where.document_sha256, where.start, where.end, passage.text, passage.reference)
    book.spans.setdefault(where.uri, []).append(span)


def _move(
    book: Book, record: Rejoined | AcceptedEnd | DeadLetteredEnd, texts: dict[PassageId, str], findings: Findings
) -> None:
    order_id = record.order_id
    if order_id not in book.ends:
        findings.error(Check.CONSERVATION, "an order that was never issued moves", f"order {order_id}", order_id)
        return
    if book.ends[order_id] != OPEN:
        findings.error(Check.CONSERVATION, "an order moves after its end", f"order {order_id}", order_id)
    if record.attempt is not None:
        if record.attempt.number != book.attempts[order_id] + 1:
            what = f"attempt {record.attempt.number} follows attempt {book.attempts[order_id]}"
            findings.error(Check.CONSERVATION, what, f"order {order_id}", order_id)
        book.attempts[order_id] = record.attempt.number
        if record.attempt.injected is not None:
            book.injected.add(order_id)
        _check_quotes(book, record.attempt, texts, order_id, findings)
    if isinstance(record, AcceptedEnd):
        book.ends[order_id], book.end_seqs[order_id] = ACCEPTED, book.last_seq
        book.rows[ShardKind.DATASET] += order_id not in book.injected
        _check_accepted(record, findings)
    elif isinstance(record, DeadLetteredEnd):
        book.ends[order_id], book.end_seqs[order_id] = DEAD_LETTERED, book.last_seq
        book.rows[ShardKind.DEAD_LETTERS] += order_id not in book.injected


def _credit(book: Book, record: CreditBegun | Credited | Rolled, findings: Findings) -> None:
    """A credit begins once, of an order that was issued, and has at most one label; a draw is paid for once."""
    order_id = record.order_id
    what = None
    match record:
        case CreditBegun():
            key = (order_id, record.target.attempt)
            if key in book.credits or order_id not in book.ends:
                what = "a credit begins twice, or of an order that was never issued"
            book.credits[key] = False
        case Credited():
            key = (order_id, record.label.attempt)
            if book.credits.get(key, True):
                what = "a label of a solution whose credit is not open"
            book.credits[key] = True
        case Rolled():
            if order_id in book.rolled or order_id in book.ends:
                what = "a rollout is paid for twice, or is an order's id"
            book.rolled.add(order_id)
    if what is not None:
        findings.error(Check.CONSERVATION, what, f"order {order_id}", order_id)


def _put_back(book: Book, record: Reopened, findings: Findings) -> None:
    order_id, where = record.order_id, f"order {record.order_id}"
    if book.ends.get(order_id) != DEAD_LETTERED:
        findings.error(Check.CONSERVATION, "an order is put back that is no dead letter", where, order_id)
        return
    if record.end_seq != book.end_seqs[order_id] or record.attempts_before != book.attempts[order_id]:
        what = f"put back after record {record.end_seq} and {record.attempts_before} attempts, which is not its end"
        findings.error(Check.CONSERVATION, what, where, order_id)
    passage = record.passage
    its_id = passage_id(passage.text, passage.provenance, passage.reference)
    if passage.id != book.passages[order_id] or its_id != passage.id:
        findings.error(Check.PROVENANCE, "put back with a passage that is not its own", where, order_id)
    book.ends[order_id] = OPEN
    insort(book.undone, book.end_seqs.pop(order_id))
    book.rows[ShardKind.DEAD_LETTERS] -= order_id not in book.injected


def _check_accepted(record: AcceptedEnd, findings: Findings) -> None:
    """Nothing passes that was not judged: every verdict of the accepted attempt is a pass."""
    verdicts: tuple[Verdict, ...] = record.attempt.verdicts
    unpassed = [verdict.gate.value for verdict in verdicts if not isinstance(verdict, Passed)]
    if unpassed or not verdicts:
        what = f"accepted without having passed {', '.join(unpassed) or 'any gate'}"
        findings.error(Check.CONSERVATION, what, f"order {record.order_id}", record.order_id)
    candidate = record.attempt.candidate
    if candidate is None or candidate.draft is None:
        findings.error(Check.ROWS, "accepted without a draft", f"order {record.order_id}", record.order_id)


def _check_quotes(
    book: Book, attempt: Attempt, texts: dict[PassageId, str], order_id: OrderId, findings: Findings
) -> None:
    for quote in _quotes(attempt):
        if quote.passage_id is not None:
            book.elsewhere.append((quote, order_id))
        else:
            _check_quote(book, quote, texts[book.passages[order_id]], order_id, findings)


def check_elsewhere(books: Sequence[Book], findings: Findings) -> None:
    """Quotes in passages other than their order's, which may be in any ledger of the run."""
    quotes = [(book, quote, order_id) for book in books for quote, order_id in book.elsewhere]
    spans = (span for book in books for spans in book.spans.values() for span in spans)
    texts = {span.passage_id: span.text for span in spans} if quotes else {}
    for book, quote, order_id in quotes:
        text = texts.get(quote.passage_id or book.passages[order_id])
        if text is None:
            what = "not checked: a quote in a passage that was found by a search and has not been planned"
            findings.warning(Check.PROVENANCE, what, f"order {order_id}")
        else:
            _check_quote(book, quote, text, order_id, findings)


def _check_quote(book: Book, quote: Quote, text: str, order_id: OrderId, findings: Findings) -> None:
    book.quotes += 1
    if text[quote.start : quote.end] != quote.text:
        what = f"a quote is not at characters {quote.start} to {quote.end} of its passage"
        findings.error(Check.PROVENANCE, what, f"order {order_id}", order_id)


def _quotes(attempt: Attempt) -> list[Quote]:
    return [
        claim.quote
        for verdict in attempt.verdicts
        if not isinstance(verdict, Errored)
        for claim in verdict.evidence.claims
        if claim.quote is not None
    ]
