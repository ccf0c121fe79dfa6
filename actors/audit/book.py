"""What a ledger says, as the checks need it: every order's place, its end, what shards must hold. `fold` makes it.

Written apart from the queue on purpose: what proves the queue must not be the queue.
"""

from bisect import bisect_left
from collections.abc import Iterable

from msgspec import Struct, field
from msgspec.structs import astuple

from actors.audit.configured import Configured
from actors.audit.passing import Passings
from schemas.ids import OrderId, PassageId
from schemas.ledger import Reconfigured, RunStarted, ShardKind, ShardWritten
from schemas.queue_shard import ONLY, QueueShard
from schemas.verdicts import Quote

OPEN, ACCEPTED, DEAD_LETTERED = 0, 1, 2
OVER = -1
"""Of a probe that has ended."""
Refusal = tuple[str, str, str]
"""A document that was turned away: uri, reason and detail."""


class KnownPassage(Struct, frozen=True):
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

    @staticmethod
    def over(each: "Iterable[Totals]") -> "Totals":
        """Of several ledgers together."""
        rows = [astuple(totals) for totals in each]
        return Totals(*map(sum, zip(*rows, strict=True)))


class Moment(Struct, frozen=True):
    """A ledger up to one of its records: what a manifest says of it."""

    totals: Totals
    shards: tuple[ShardWritten, ...]
    config_sha256: str
    corpus_ended: bool


class Undone(Struct, frozen=True):
    """An end that no longer holds: its record, and the one that put its order back."""

    end_seq: int
    reopened_seq: int


class Book(Struct):
    """What one ledger says. `shard`: whose it is; `ends`: each order's end; `end_seqs`: which record it is; `rows`: how
    many rows shards must hold, by kind; `put_back`: of each order that was, its ends that no longer hold, in order;
    `shards`: of each kind and range the last, with its record's number."""

    ends: dict[OrderId, int] = {}
    attempts: dict[OrderId, int] = {}
    passages: dict[OrderId, PassageId] = {}
    spans: dict[str, list[KnownPassage]] = {}
    changed: set[str] = set()
    """Documents that the run found to be no longer what was planned."""
    rows: dict[ShardKind, int] = {}
    end_seqs: dict[OrderId, int] = {}
    put_back: dict[OrderId, list[Undone]] = {}
    shards: dict[tuple[ShardKind, int], ShardWritten] = {}
    shard_seqs: dict[tuple[ShardKind, int], int] = {}
    planned: set[PassageId] = set()
    slots: dict[int, PassageId] = {}
    """How many orders passages have: of each number, the first passage."""
    probes: dict[OrderId, int] = {}
    """Probes by how many attempts they have had, or that they are over: no orders, and in no shard either."""
    quotes: int = 0
    elsewhere: list[tuple[Quote, OrderId]] = []
    """Quotes in other passages than the order's: checked when all passages are known."""
    credits: dict[tuple[OrderId, int], bool] = {}
    """Solutions whose credit began, by order and attempt; whether it has ended."""
    rolled: set[OrderId] = set()
    refused: list[tuple[int, Refusal]] = []
    """Documents that were turned away, with the record's number."""
    passings: Passings = field(default_factory=Passings)
    """How samples passed since the last change of configuration."""
    reconfigured: list[tuple[int, Configured | None]] = []
    """What held until a record; None for what cannot be read."""
    configured_by: RunStarted | Reconfigured | None = None
    """What said last which configuration the run has."""
    config_sha256: str = ""
    """Of the last start."""
    voided_plans: int = 0
    last_seq: int = 0
    manifest_seq: int | None = None
    at_manifest: Moment | None = None
    """The ledger when it had the last record that manifest.json counts; None where it never had."""
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
        return Totals(len(self.ends), accepted, dead_lettered, outstanding)

    def moment(self) -> Moment:
        """It as it is now."""
        return Moment(self.totals(), tuple(self.shards.values()), self.config_sha256, self.corpus_ended)

    def configured_at(self, seq: int, now: Configured | None) -> Configured | None:
        """What held at a record; `now`: run.yaml."""
        return next((asked for until, asked in self.reconfigured if seq < until), now)

    def holds(self, order_id: OrderId, shard: ShardWritten) -> bool:
        """Whether the order's end is in the shard's range."""
        return shard.first_seq <= self.end_seqs.get(order_id, 0) <= shard.last_seq

    def outdated(self, order_id: OrderId, shard: ShardWritten) -> int | None:
        """Which of the order's ends a shard of dead letters has rightly, for it was written before the order was put
        back: 0 for the first; None where there is no such end."""
        if shard.kind is not ShardKind.DEAD_LETTERS:
            return None
        written = self.shard_seqs[(shard.kind, shard.first_seq)]
        for number, each in enumerate(self.put_back.get(order_id, ())):
            if shard.first_seq <= each.end_seq <= shard.last_seq and each.reopened_seq > written:
                return number
        return None

    def refused_in(self, shard: ShardWritten) -> list[Refusal]:
        """The documents that were turned away in its range."""
        first = bisect_left(self.refused, shard.first_seq, key=lambda each: each[0])
        last = bisect_left(self.refused, shard.last_seq + 1, key=lambda each: each[0])
        return [refusal for _, refusal in self.refused[first:last]]
