"""Some samples of a run, at random or the newest: how each ended, its texts, what each gate said, where it comes from.

Law: the same ledger, filter and seed give the same samples. Numbers of ends come from an index, and a record is read
only when it may be shown, so that a large run costs little more than a small one. A rare filter reads on until it has
found enough.
"""

from collections.abc import Iterator
from enum import Enum
from heapq import merge
from itertools import islice
from random import Random

from msgspec import Struct

from actors.ledger.folder import Ledgers
from actors.ledger.history import Life, life_of
from actors.ledger.sqlite import End, LedgerReader
from schemas.corpus import DocumentRefused, Passage
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Refused, Rescored, ShardKind
from schemas.orders import DeadLetter
from schemas.recovery import FailureMode, RepairKind
from schemas.verdicts import Verdict


class EndKind(Enum):
    """How a sample ended, if it ended."""

    ACCEPTED = "accepted"
    DEAD_LETTERED = "dead_lettered"


class SampleRequest(Struct, frozen=True):
    """Which samples. `end`: None for both; `mode`: the last diagnosis; `repair`: what the last attempt was made under;
    `seed`: of the choice; None: the newest first."""

    limit: int
    end: EndKind | None = None
    mode: FailureMode | None = None
    repair: RepairKind | None = None
    seed: int | None = 0


class EndedSample(Struct, frozen=True):
    """One sample as its end left it. `fields`: the texts of its last draft; `completion`: the model's words where they
    were no draft; `mode`: the last diagnosis, of a sample that was repaired or rejected."""

    order_id: OrderId
    end: EndKind
    attempts: int
    fields: dict[str, str]
    completion: str
    malformed: str
    verdicts: tuple[Verdict, ...]
    mode: FailureMode | None
    repair: RepairKind | None
    why: DeadLetter | None
    passage: Passage


def chosen_samples(ledgers: Ledgers, wanted: SampleRequest) -> list[EndedSample]:
    """At most `wanted.limit` samples that ended so."""
    kinds = {EndKind.ACCEPTED: (ShardKind.DATASET,), EndKind.DEAD_LETTERED: (ShardKind.DEAD_LETTERS,)}
    of = tuple(ShardKind) if wanted.end is None else kinds[wanted.end]
    return list(islice(_matching(ledgers, wanted, of), wanted.limit))


def chosen_refusals(ledgers: Ledgers, *, seed: int | None, limit: int) -> list[DocumentRefused]:
    """At most `limit` documents of the corpus that could not be used, and were not read later."""
    read = [
        {document: seq for seq, ended in ledger.corpus_ends() for document in ended.read_again}
        for ledger in ledgers.each
    ]
    holding = (
        end.document
        for number, seq, end in _ends(ledgers, (ShardKind.DEAD_LETTERS,), seed)
        if isinstance(end, Refused) and seq > read[number].get(end.document, 0)
    )
    return list(islice(holding, limit))


def ended_sample(life: Life) -> EndedSample:
    """The sample of an order that ended."""
    last = life.attempts[-1] if life.attempts else None
    candidate = None if last is None else last.candidate
    draft = None if candidate is None else candidate.draft
    return EndedSample(
        order_id=life.order.id,
        end=EndKind.DEAD_LETTERED if life.accepted_at is None else EndKind.ACCEPTED,
        attempts=len(life.attempts),
        fields={} if draft is None else draft.fields,
        completion=candidate.text if candidate is not None and draft is None else "",
        malformed=(candidate.malformed or "") if candidate is not None and draft is None else "",
        verdicts=() if last is None else last.verdicts,
        mode=life.failure_modes[-1] if life.failure_modes else None,
        repair=None if last is None or last.repair is None else last.repair.kind,
        why=life.end,
        passage=life.passage,
    )


def _matching(ledgers: Ledgers, wanted: SampleRequest, kinds: tuple[ShardKind, ...]) -> Iterator[EndedSample]:
    undone = [frozenset(ledger.reopened()) for ledger in ledgers.each]
    for number, seq, end in _ends(ledgers, kinds, wanted.seed):
        if isinstance(end, Refused) or seq in undone[number] or not _may_match(end, wanted):
            continue
        sample = ended_sample(life_of(end.order_id, ledgers.each[number].story(end.order_id)))
        if wanted.mode in (None, sample.mode) and wanted.repair in (None, sample.repair):
            yield sample


def _may_match(end: AcceptedEnd | Rescored | DeadLetteredEnd, wanted: SampleRequest) -> bool:
    """Whether the order's whole story must be read to know; most need not be."""
    attempt = end.attempt
    if attempt is None:
        return True
    if wanted.repair is not None and (attempt.repair is None or attempt.repair.kind != wanted.repair):
        return False
    if wanted.mode is None:
        return True
    return attempt.number > 1 if attempt.diagnosis is None else attempt.diagnosis.mode == wanted.mode


def _ends(ledgers: Ledgers, kinds: tuple[ShardKind, ...], seed: int | None) -> Iterator[tuple[int, int, End]]:
    """Ends with their ledgers' numbers and their own, in the order in which they are looked at."""
    if seed is None:
        each = [_newest(ledger, number, kind) for number, ledger in enumerate(ledgers.each) for kind in kinds]
        yield from merge(*each, key=lambda found: -found[2].at)
        return
    places = [
        (number, kind, seq)
        for number, ledger in enumerate(ledgers.each)
        for kind in kinds
        for seq in ledger.ended(kind)
    ]
    Random(seed).shuffle(places)
    for number, kind, seq in places:
        yield number, seq, _end(ledgers.each[number], kind, seq)


def _newest(ledger: LedgerReader, number: int, kind: ShardKind) -> Iterator[tuple[int, int, End]]:
    return ((number, seq, _end(ledger, kind, seq)) for seq in reversed(ledger.ended(kind)))


def _end(ledger: LedgerReader, kind: ShardKind, seq: int) -> End:
    ((_, end),) = ledger.ends(kind, seq - 1, 1)
    return end
