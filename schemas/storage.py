"""What an object store holds of a run. Law: one object, the head, says which other objects count; it is only changed by
a conditional put. Every object that it names never changes under its name."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

VERSION = 1


class LedgerSegment(Struct, frozen=True):
    """An object that holds records `first` to `last` of one ledger. `head`: the running hash up to `last`, in hex
    digits; `sha256`: of the object; `size`: of its records, in bytes; `level`: how often they were put together."""

    name: str
    first: int
    last: int
    head: str
    sha256: str
    size: int
    level: int = 0


class Chain(Struct, frozen=True):
    """One ledger in the store. `meta`: its table of that name. `files_through`: the store has the file of every shard
    that is recorded up to this record."""

    meta: Mapping[str, str]
    segments: tuple[LedgerSegment, ...] = ()
    files_through: int = 0

    @property
    def last(self) -> int:
        """Number of the last record; 0 while there is none."""
        return self.segments[-1].last if self.segments else 0


class Holder(Struct, frozen=True):
    """The process that may write. `machine`: what tells machines and their process numbers apart."""

    host: str
    pid: int
    machine: str
    ship_s: float


class StoreHead(Struct, frozen=True):
    """The head of a run in a store. `epoch`: one more with each process that took the run; `token`: that process's own,
    random; `beat`: one more with each change by it. `holder`: None once it has let go. `notes`: small files by name,
    each with its object's: epoch, beat and the file's sha256. `chains`: by the names of the ledgers' files."""

    epoch: int
    token: str
    beat: int = 0
    holder: Holder | None = None
    chains: Mapping[str, Chain] = {}
    notes: Mapping[str, str] = {}
    version: int = VERSION


_DECODER = msgspec.json.Decoder(StoreHead)


def encode_head(head: StoreHead) -> bytes:
    """The bytes of the head's object. No two heads of a run have the same: epoch and beat differ."""
    return msgspec.json.encode(head)


def decode_head(content: bytes) -> StoreHead:
    """Raises msgspec.DecodeError for anything else."""
    return _DECODER.decode(content)
