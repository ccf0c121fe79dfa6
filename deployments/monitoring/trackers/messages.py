"""What a run and a tracker's process say to each other, over the process's standard input and output.

Law: a message is its length in four bytes, then msgpack. Each that goes to the process has one answer, in order.
"""

import struct
from typing import IO, Protocol

import msgspec
from msgspec import Struct

from actors.metrics.metric import Run, RunMoment, Seen
from schemas.bill import Bill
from schemas.config import RunConfig
from schemas.config_trackers import TrackerName

REPORTED = ("report.html", "README.md", "manifest.json", "run.yaml")
"""The files of a finished folder that trackers keep as an artefact. No row is in them but the report's examples."""
_LENGTH = struct.Struct(">I")
LARGEST = 64 << 20
"""In bytes. A longer message is none of ours."""


class ToldBegin(Struct, frozen=True, tag="begin"):
    """The first message. `output`: the run's folder; `config`: its configuration, with absolute paths."""

    tracker: TrackerName
    output: str
    config: RunConfig
    run: Run


class ToldMoment(Struct, frozen=True, tag="follow"):
    """The run at a moment; the bill, if the configuration has prices."""

    moment: RunMoment
    bill: Bill | None = None


class ToldEnd(Struct, frozen=True, tag="finish"):
    """The last message: the run has left its folder. `complete`: whether every order has an end."""

    complete: bool


class AllTaken(Struct, frozen=True, tag="taken"):
    """The tracker has everything up to here."""


class NotTaken(Struct, frozen=True, tag="failed"):
    """The tracker does not have it, and why."""

    why: str


Told = ToldBegin | ToldMoment | ToldEnd
Answer = AllTaken | NotTaken
_ENCODER = msgspec.msgpack.Encoder()
TOLD: msgspec.msgpack.Decoder[Told] = msgspec.msgpack.Decoder(Told)
ANSWER: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class Tracker(Protocol):
    """One tracker, in its own process. After any exception it is closed and made again."""

    def follow(self, seen: Seen, curves: dict[str, float]) -> None:
        """Shows the run as it is at `seen.moment`. Returns when that is delivered, and raises when it is not."""
        ...

    def finish(self, *, complete: bool) -> None:
        """Everything is written: delivers the last files, and ends what it has shown the run as."""
        ...

    def close(self) -> None:
        """Leaves, finished or not. It may not come to an end: the process may be killed as well."""
        ...


def send(pipe: IO[bytes], message: Told | Answer) -> None:
    """Writes one message. Raises OSError when nobody reads any more."""
    data = _ENCODER.encode(message)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def received(pipe: IO[bytes]) -> bytes | None:
    """The next message's bytes; None at the end. Raises OSError for what is no message."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > LARGEST:
        raise OSError("what came is no message")
    data = pipe.read(length)
    return data if len(data) == length else None
