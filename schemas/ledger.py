"""The ledger's records: the queue's events, in order. Replaying them rebuilds the queue and every count."""

from enum import Enum

from msgspec import Struct

from schemas.corpus import DocumentRefused, Passage
from schemas.ids import OrderId
from schemas.orders import Attempt, DeadLetter, Order


class RunStarted(Struct, frozen=True, tag="run_started"):
    """A process began (or resumed) the run. `config_sha256` is of the resolved configuration."""

    at: float
    config_sha256: str
    versions: dict[str, str]


class Planned(Struct, frozen=True, tag="planned"):
    """A passage was taken in and its orders issued."""

    at: float
    passage: Passage
    orders: tuple[Order, ...]


class Rejoined(Struct, frozen=True, tag="rejoined", omit_defaults=True):
    """An attempt was rejected and its order goes back to the queue with a repair (in `attempt.choice`)."""

    at: float
    order_id: OrderId
    attempt: Attempt
    delay_s: float = 0.0
    """Not before so many seconds after `at`."""


class AcceptedEnd(Struct, frozen=True, tag="accepted"):
    """An attempt was accepted: its order ended as a sample."""

    at: float
    order_id: OrderId
    attempt: Attempt


class DeadLetteredEnd(Struct, frozen=True, tag="dead_lettered"):
    """An order ended without a sample; `attempt` is None when none was running."""

    at: float
    order_id: OrderId
    attempt: Attempt | None
    end: DeadLetter


class Refused(Struct, frozen=True, tag="refused"):
    """A document of the corpus was dead-lettered at the door."""

    at: float
    document: DocumentRefused


class CorpusEnded(Struct, frozen=True, tag="corpus_ended"):
    """The reader came to the end: no more passages will come."""

    at: float
    documents: int
    passages: int


class ShardKind(Enum):
    """What a shard holds."""

    DATASET = "dataset"
    DEAD_LETTERS = "dead_letters"


class ShardWritten(Struct, frozen=True, tag="shard_written"):
    """A shard is on disk under its final name: the ends of its kind with sequence numbers in [first_seq, last_seq]."""

    at: float
    kind: ShardKind
    name: str
    """Path relative to the output folder."""
    rows: int
    sha256: str
    first_seq: int
    last_seq: int


Record = RunStarted | Planned | Rejoined | AcceptedEnd | DeadLetteredEnd | Refused | CorpusEnded | ShardWritten
