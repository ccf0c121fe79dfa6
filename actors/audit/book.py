"""A ledger's facts in the form that the checks need: each order's state and end, and the rows that shards must hold.
`fold` fills it.

This code is separate from the queue on purpose: the proof of the queue must not use the queue.
"""

from bisect import bisect_left
from collections.abc import Iterable

from msgspec import Struct, field
from msgspec.structs import astuple

from actors.audit.bands import UsedBands
from actors.audit.configured import Configured
from actors.audit.giving import Giving
from actors.audit.passing import Passings
from schemas.ids import OrderId, PassageId
from schemas.ledger import Reconfigured, RunStarted, ShardKind, ShardWritten
from schemas.queue_shard import ONLY, QueueShard
from schemas.stop import PlanEnd
from schemas.verdicts import Quote

OPEN, ACCEPTED, DEAD_LETTERED, NOT_NEEDED = 0, 1, 2, 3
OVER = -1
"""The state of a probe that has ended."""
Refusal = tuple[str, str, str]
"""A document that the reader refused: uri, reason and detail."""


class KnownPassage(Struct, frozen=True):
    """A passage of the ledger, with only what the checks need."""

    passage_id: PassageId
    document_sha256: str
    start: int
    end: int
    text: str
    reference: str | None = None


class Totals(Struct, frozen=True):
    """Numbers of orders by state."""

    issued: int
    accepted: int
    dead_lettered: int
    not_needed: int
    outstanding: int

    @staticmethod
    def over(each: "Iterable[Totals]") -> "Totals":
        """The sums over several ledgers."""
        rows = [astuple(totals) for totals in each]
        return Totals(*map(sum, zip(*rows, strict=True)))


class Moment(Struct, frozen=True):
    """A ledger up to one of its records, as far as a manifest describes it."""

    totals: Totals
    shards: tuple[ShardWritten, ...]
    config_sha256: str
    all_planned: bool


class Undone(Struct, frozen=True):
    """An end that no longer holds: its record's number, and that of the record that put its order back."""

    end_seq: int
    reopened_seq: int


class Book(Struct):
    """The facts of one ledger. `shard`: the queue shard that it belongs to. `ends`: each order's state. `end_seqs`: the
    number of its end's record. `rows`: how many rows shards must hold, by kind. `put_back`: for each order that was put
    back, its ends that no longer hold, in order. `shards`: the last one of each kind and range, with its record's
    number in `shard_seqs`."""

    ends: dict[OrderId, int] = {}
    attempts: dict[OrderId, int] = {}
    passages: dict[OrderId, PassageId] = {}
    spans: dict[str, list[KnownPassage]] = {}
    changed: set[str] = set()
    """Uris of documents that the run found changed since they were planned."""
    rows: dict[ShardKind, int] = {}
    end_seqs: dict[OrderId, int] = {}
    put_back: dict[OrderId, list[Undone]] = {}
    shards: dict[tuple[ShardKind, int], ShardWritten] = {}
    shard_seqs: dict[tuple[ShardKind, int], int] = {}
    slots: dict[PassageId, int] = {}
    """The number of orders of each passage."""
    giving: Giving = field(default_factory=Giving)
    """What each passage gave, where that decides how many orders it gets."""
    read_since_start: bool = False
    """Whether the corpus was read to its end since the last start."""
    probes: dict[OrderId, int] = {}
    """Each probe's number of attempts, or OVER. Probes are not orders and are in no shard."""
    quotes: int = 0
    elsewhere: list[tuple[Quote, OrderId]] = []
    """Quotes from other passages than the order's. They are checked when all passages are known."""
    credits: dict[tuple[OrderId, int], bool] = {}
    """Solutions whose credit began, by order and attempt, and whether it has ended."""
    rolled: set[OrderId] = set()
    refused: list[tuple[int, Refusal]] = []
    """Documents that the reader refused, with the record's number."""
    passings: Passings = field(default_factory=Passings)
    """How accepted samples passed the gates since the last change of configuration."""
    bands: UsedBands = field(default_factory=UsedBands)
    """What probes calibrated, and the bands that were used."""
    reconfigured: list[tuple[int, Configured | None]] = []
    """Each configuration and the record that replaced it; None for one that cannot be read."""
    configured_by: RunStarted | Reconfigured | None = None
    """The last record that named the run's configuration."""
    config_sha256: str = ""
    """The configuration's hash in the last start."""
    changed_plan: bool = False
    """Whether another start had another hash: passages may have got their orders under either."""
    voided: int = 0
    """Records that `gleaner repair` set aside."""
    voided_plans: int = 0
    last_seq: int = 0
    manifest_seq: int | None = None
    at_manifest: Moment | None = None
    """The ledger at the last record that manifest.json counts; None when it has no such record."""
    corpus_ended: bool = False
    plan_ended: PlanEnd | None = None
    """Why no more orders are issued though the corpus may have more."""
    shard: QueueShard = ONLY

    @property
    def name(self) -> str:
        """The ledger's name in findings."""
        return self.shard.ledger.removesuffix(".sqlite")

    @property
    def all_planned(self) -> bool:
        """Whether no more orders are issued."""
        return self.corpus_ended or self.plan_ended is not None

    def count(self, state: int) -> int:
        """The number of orders in a state."""
        return sum(end == state for end in self.ends.values())

    def totals(self) -> Totals:
        """The number of orders in each state now."""
        return Totals(len(self.ends), *map(self.count, (ACCEPTED, DEAD_LETTERED, NOT_NEEDED, OPEN)))

    def moment(self) -> Moment:
        """The ledger as it is now."""
        return Moment(self.totals(), tuple(self.shards.values()), self.config_sha256, self.all_planned)

    def configured_at(self, seq: int, now: Configured | None) -> Configured | None:
        """The configuration in force at a record. `now`: the one of run.yaml."""
        return next((asked for until, asked in self.reconfigured if seq < until), now)

    def holds(self, order_id: OrderId, shard: ShardWritten) -> bool:
        """Whether the order's end is in the shard's range."""
        return shard.first_seq <= self.end_seqs.get(order_id, 0) <= shard.last_seq

    def outdated(self, order_id: OrderId, shard: ShardWritten) -> int | None:
        """The number, from 0, of the order's undone end that this shard of dead letters rightly holds, because it was
        written before the order was put back. None when it holds no such end."""
        if shard.kind is not ShardKind.DEAD_LETTERS:
            return None
        written = self.shard_seqs[(shard.kind, shard.first_seq)]
        for number, each in enumerate(self.put_back.get(order_id, ())):
            if shard.first_seq <= each.end_seq <= shard.last_seq and each.reopened_seq > written:
                return number
        return None

    def refused_in(self, shard: ShardWritten) -> list[Refusal]:
        """The refused documents in the shard's range."""
        first = bisect_left(self.refused, shard.first_seq, key=lambda each: each[0])
        last = bisect_left(self.refused, shard.last_seq + 1, key=lambda each: each[0])
        return [refusal for _, refusal in self.refused[first:last]]
