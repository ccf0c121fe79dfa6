"""Bytes on the wire: one typed msgpack codec for each message, made once.

Encoders and decoders cannot be pickled: import this module where they are used, and never put them in an object that
Ray sends.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from schemas.errors import Failure
from schemas.ledger import Record
from schemas.orders import Lease, Outcome, Settlement
from schemas.samples import Completion, GenerationRequest
from schemas.vectors import Embedded, EmbeddingRequest
from schemas.verdicts import GateReply, GateRequest

T = TypeVar("T")
_ENCODER = msgspec.msgpack.Encoder()


class Codec(Generic[T]):
    """Encodes a batch of messages of one type into bytes, and back. Raises `msgspec.DecodeError` on foreign bytes."""

    def __init__(self, message: object) -> None:
        self._decoder: msgspec.msgpack.Decoder[list[T]] = msgspec.msgpack.Decoder(list[message])  # type: ignore[valid-type]

    def encode(self, messages: Sequence[T]) -> bytes:
        return _ENCODER.encode(messages)

    def decode(self, data: bytes) -> list[T]:
        try:
            return self._decoder.decode(data)
        except UnicodeDecodeError as error:  # msgspec lets it through
            raise msgspec.DecodeError(str(error)) from error


GENERATION_REQUESTS: Codec[GenerationRequest] = Codec(GenerationRequest)


class Generated(msgspec.Struct, frozen=True, tag="generated"):
    """The completion of one request, from one replica."""

    completion: Completion


GENERATION_REPLIES: Codec[Generated | Failure] = Codec(Generated | Failure)
GATE_REQUESTS: Codec[GateRequest] = Codec(GateRequest)


class Gated(msgspec.Struct, frozen=True, tag="gated"):
    """A gate's reply to one request, from one replica."""

    reply: GateReply


GATE_REPLIES: Codec[Gated | Failure] = Codec(Gated | Failure)
EMBEDDING_REQUESTS: Codec[EmbeddingRequest] = Codec(EmbeddingRequest)


class EmbeddingReply(msgspec.Struct, frozen=True, tag="embedding"):
    """An embedder's answer to the request of that id, from one replica."""

    request_id: str
    embedded: Embedded


EMBEDDING_REPLIES: Codec[EmbeddingReply | Failure] = Codec(EmbeddingReply | Failure)
LEASES: Codec[Lease] = Codec(Lease)
OUTCOMES: Codec[Outcome] = Codec(Outcome)
SETTLEMENTS: Codec[Settlement] = Codec(Settlement)

_RECORD_DECODER = msgspec.msgpack.Decoder(Record)


def encode_record(record: Record) -> bytes:
    """One ledger record as it is stored."""
    return _ENCODER.encode(record)


def decode_record(data: bytes) -> Record:
    """One ledger record read back. Raises `msgspec.DecodeError` (also `ValidationError`) on damage."""
    try:
        return _RECORD_DECODER.decode(data)
    except UnicodeDecodeError as error:  # msgspec lets it through
        raise msgspec.DecodeError(str(error)) from error
