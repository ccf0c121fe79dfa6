"""Follows every order through the ledger. Law: an order is issued once, its attempts have no gap, it has one end, and
nothing comes after the end. A dead letter may be put back; an accepted order never is.

This code is separate from the queue on purpose: the proof of the queue must not use the queue.
"""

from collections.abc import Iterable

from actors.audit.book import ACCEPTED, DEAD_LETTERED, NOT_NEEDED, OPEN, OVER, Book, KnownPassage, Undone
from actors.audit.configured import configured
from actors.audit.findings import Findings
from actors.audit.passing import check_scores
from actors.audit.quotes import check_quotes
from schemas.audit import Check
from schemas.corpus import Passage, RefusalReason, passage_id
from schemas.ids import PassageId, content_id
from schemas.ledger import (
    AcceptedEnd,
    CorpusEnded,
    CreditBegun,
    Credited,
    DeadLetteredEnd,
    NotNeededEnd,
    PlanEnded,
    Planned,
    ProbeEnded,
    ProbeIssued,
    ProbeRejoined,
    Reconfigured,
    Record,
    Refused,
    Rejoined,
    Reopened,
    Rescored,
    Rolled,
    RunStarted,
    ShardKind,
    ShardWritten,
    StopRaised,
    Voided,
)
from schemas.orders import OrderKind
from schemas.queue_shard import ONLY, QueueShard, shard_of
from schemas.stop import PlanEnd
from schemas.verdicts import Passed, Verdict


def read_book(
    records: Iterable[tuple[int, Record]],
    findings: Findings,
    shard: QueueShard = ONLY,
    *,
    manifest_seq: int | None = None,
) -> Book:
    """Reads a whole ledger and checks it on the way. `check_elsewhere` checks what depends on the run's other ledgers.
    `manifest_seq`: the last record that manifest.json counts, if it says so."""
    book = Book(rows=dict.fromkeys(ShardKind, 0), shard=shard, manifest_seq=manifest_seq)
    _count_for_manifest(book)
    texts: dict[PassageId, str] = {}
    for seq, record in records:
        if seq != book.last_seq + 1:
            findings.error(Check.CONSERVATION, f"records {book.last_seq + 1} to {seq - 1} are missing", book.name)
        book.last_seq = seq
        match record:
            case Planned():
                book.corpus_ended &= record.follows
                _plan(book, record, findings)
                texts[record.passage.id] = record.passage.text
            case Rejoined() | AcceptedEnd() | DeadLetteredEnd() | NotNeededEnd():
                _move(book, record, texts, findings)
            case Reopened() | Rescored():
                _replayed(book, record, findings)
            case Refused():
                if record.document.reason is RefusalReason.CHANGED:
                    book.changed.add(record.document.uri)
                book.rows[ShardKind.DEAD_LETTERS] += 1
                refusal = (record.document.uri, record.document.reason.value, record.document.detail)
                book.refused.append((seq, refusal))
            case ShardWritten():
                key = (record.kind, record.first_seq)
                book.shards[key], book.shard_seqs[key] = record, seq
            case RunStarted() | Reconfigured() | CorpusEnded() | PlanEnded() | StopRaised():
                _frame(book, record, findings)
            case _:
                _beside(book, record, findings)
        _count_for_manifest(book)
    return book


def _count_for_manifest(book: Book) -> None:
    if book.last_seq == book.manifest_seq:
        book.at_manifest = book.moment()


def _frame(
    book: Book, record: RunStarted | Reconfigured | CorpusEnded | PlanEnded | StopRaised, findings: Findings
) -> None:
    """Reads what concerns the whole run: its configuration, the end of its corpus and that of its plan."""
    match record:
        case RunStarted():
            book.changed_plan |= book.config_sha256 not in ("", record.config_sha256)
            book.configured_by, book.config_sha256 = record, record.config_sha256
            book.plan_ended = book.plan_ended if book.plan_ended is PlanEnd.ASKED else None
            book.read_since_start = False
        case PlanEnded():
            book.plan_ended = record.why
        case StopRaised():
            book.plan_ended = None
        case Reconfigured():
            book.configured_by = record
            _reconfigure(book, record, findings)
        case CorpusEnded():
            book.corpus_ended = book.read_since_start = True
            book.changed -= {each.uri for each in record.read_again if each.reason is RefusalReason.CHANGED}
            _check_all_planned(book, record, findings)


def _reconfigure(book: Book, record: Reconfigured, findings: Findings) -> None:
    before = configured(record.before.encode())
    if before is None:
        what = f"the configuration that record {book.last_seq} replaced cannot be read"
        findings.warning(Check.CONSERVATION, what, book.name)
    book.passings.close(before, book.name, findings)
    book.bands.close(before, findings)
    book.reconfigured.append((book.last_seq, before))


def _check_all_planned(book: Book, record: CorpusEnded, findings: Findings) -> None:
    """Checks that all passages that the reader gave to this ledger are planned, with those of earlier processes."""
    if len(book.slots) + book.voided_plans < record.passages:
        what = f"the corpus ended with {record.passages} passages read, and {len(book.slots)} are planned"
        findings.error(Check.CONSERVATION, what, book.name)


def _beside(book: Book, record: Record, findings: Findings) -> None:
    """Reads what goes through the gates beside the orders: probes and rollouts."""
    match record:
        case ProbeIssued() | ProbeRejoined() | ProbeEnded():
            _probe(book, record, findings)
        case CreditBegun() | Credited() | Rolled():
            _credit(book, record, findings)
        case Voided():
            book.voided += 1
            book.voided_plans += record.was == "planned"
            what = f"record {book.last_seq} ({record.was}) was set aside by `gleaner repair`: {record.why}"
            findings.warning(Check.CONSERVATION, what, book.name)
        case _:
            pass


def _plan(book: Book, record: Planned, findings: Findings) -> None:
    passage = record.passage
    first = book.slots.get(passage.id, 0)
    if not book.shard.holds(passage.id):
        what = f"passage {passage.id} belongs into the ledger of shard {shard_of(passage.id, book.shard.count)}"
        findings.error(Check.CONSERVATION, what, book.name)
    if passage_id(passage.text, passage.provenance, passage.reference) != passage.id:
        findings.error(Check.PROVENANCE, f"passage {passage.id} is not what its id says", passage.provenance.uri)
    if not first:
        _keep_span(book, passage)
    book.slots[passage.id] = first + len(record.orders)
    book.giving.planned(record, book.name, findings, sure=not book.voided)
    for slot, order in enumerate(record.orders, first):
        own = content_id("order", passage.id, order.task, slot)
        if (order.id, order.passage_id, order.slot, order.kind) != (own, passage.id, slot, OrderKind.FRESH):
            what = f"is not what order {slot} of passage {passage.id} is called"
            findings.error(Check.CONSERVATION, what, f"order {order.id}", order.id)
        if order.id in book.ends:
            findings.error(Check.CONSERVATION, "an order is issued twice", f"order {order.id}", order.id)
        book.ends[order.id] = OPEN
        book.attempts[order.id] = 0
        book.passages[order.id] = passage.id


def _probe(book: Book, record: ProbeIssued | ProbeRejoined | ProbeEnded, findings: Findings) -> None:
    """Checks that a probe is issued once, has attempts without a gap, ends once, and has no order's id."""
    probe_id, attempts = record.order_id, book.probes.get(record.order_id)
    issued = isinstance(record, ProbeIssued)
    if (attempts is not None if issued else attempts in (None, OVER)) or probe_id in book.ends:
        what = "a probe is issued twice" if issued else "a probe moves that is not open"
        findings.error(Check.CONSERVATION, what, f"probe {probe_id}", probe_id)
    elif isinstance(record, ProbeRejoined | ProbeEnded) and record.attempt is not None:
        attempts = (attempts or 0) + 1
        if record.attempt.number != attempts:
            what = f"attempt {record.attempt.number} follows attempt {attempts - 1}"
            findings.error(Check.CONSERVATION, what, f"probe {probe_id}", probe_id)
    if isinstance(record, ProbeRejoined | ProbeEnded):
        book.bands.measure(record)
    book.probes[probe_id] = OVER if isinstance(record, ProbeEnded) else attempts or 0


def _keep_span(book: Book, passage: Passage) -> None:
    where = passage.provenance
    span = KnownPassage(passage.id, where.document_sha256, where.start, where.end, passage.text, passage.reference)
    book.spans.setdefault(where.uri, []).append(span)


def _move(
    book: Book,
    record: Rejoined | AcceptedEnd | DeadLetteredEnd | NotNeededEnd,
    texts: dict[PassageId, str],
    findings: Findings,
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
        check_quotes(book, record.attempt, texts, order_id, findings)
        book.bands.use(order_id, record.attempt, findings)
    if not isinstance(record, Rejoined):
        book.giving.ended(book.passages[order_id], record)
    if isinstance(record, AcceptedEnd):
        book.ends[order_id], book.end_seqs[order_id] = ACCEPTED, book.last_seq
        book.rows[ShardKind.DATASET] += 1
        _check_accepted(record, findings)
        book.passings.add(order_id, record.attempt)
        if book.plan_ended is PlanEnd.ACCEPTED:
            what = "accepted after the run had all the samples that it was to have"
            findings.error(Check.CONSERVATION, what, f"order {order_id}", order_id)
    elif isinstance(record, DeadLetteredEnd):
        book.ends[order_id], book.end_seqs[order_id] = DEAD_LETTERED, book.last_seq
        book.rows[ShardKind.DEAD_LETTERS] += 1
    elif isinstance(record, NotNeededEnd):
        book.ends[order_id] = NOT_NEEDED


def _credit(book: Book, record: CreditBegun | Credited | Rolled, findings: Findings) -> None:
    """Checks that a credit begins once, for an issued order, and has one label at most; and that a draw is paid
    once."""
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


def _replayed(book: Book, record: Reopened | Rescored, findings: Findings) -> None:
    if isinstance(record, Reopened):
        _put_back(book, record, findings)
    else:
        _rescored(book, record, findings)


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
    book.giving.put_back(passage.id)
    book.put_back.setdefault(order_id, []).append(Undone(book.end_seqs.pop(order_id), book.last_seq))
    book.rows[ShardKind.DEAD_LETTERS] -= 1


def _rescored(book: Book, record: Rescored, findings: Findings) -> None:
    """A dead letter was accepted with the scores of its last attempt. The record before must have put it back."""
    order_id, where = record.order_id, f"order {record.order_id}"
    undone = book.put_back.get(order_id, ())
    if book.ends.get(order_id) != OPEN or not undone or undone[-1].reopened_seq != book.last_seq - 1:
        findings.error(Check.CONSERVATION, "accepted by its scores, and was not put back for it", where, order_id)
        return
    if record.attempt.number != book.attempts[order_id]:
        what = f"attempt {record.attempt.number} is accepted by its scores, the last was {book.attempts[order_id]}"
        findings.error(Check.CONSERVATION, what, where, order_id)
    book.ends[order_id], book.end_seqs[order_id] = ACCEPTED, book.last_seq
    book.giving.ended(book.passages[order_id], record)
    book.rows[ShardKind.DATASET] += 1
    _check_accepted(record, findings)
    book.passings.add(order_id, record.attempt)


def _check_accepted(record: AcceptedEnd | Rescored, findings: Findings) -> None:
    """Checks that every verdict of an accepted attempt is a pass, and that it has at least one."""
    verdicts: tuple[Verdict, ...] = record.attempt.verdicts
    unpassed = [verdict.gate for verdict in verdicts if not isinstance(verdict, Passed)]
    if unpassed or not verdicts:
        what = f"accepted without having passed {', '.join(unpassed) or 'any gate'}"
        findings.error(Check.CONSERVATION, what, f"order {record.order_id}", record.order_id)
    check_scores(record, findings)
    candidate = record.attempt.candidate
    if candidate is None or candidate.draft is None:
        findings.error(Check.ROWS, "accepted without a draft", f"order {record.order_id}", record.order_id)
