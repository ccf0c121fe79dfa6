"""What a worker is asked and what it answers, as JSON in frames: `schemas.programs` without msgspec, which a worker
does not load. Law: the other side is our own process, and no program can write here."""

import json
import socket
import struct
from base64 import b64decode, b64encode
from dataclasses import dataclass
from enum import Enum
from typing import Any

_LENGTH = struct.Struct("!I")


class ProgramRole(Enum):
    """What a program is in its request."""

    ALONE = "alone"
    CHECKS = "checks"
    """Python that asks the solution, through `import solution`."""
    SOLUTION = "solution"
    """Python that answers the checks."""


@dataclass(frozen=True)
class RoomLimits:
    """As `schemas.programs.ProgramLimits`."""

    cpu_s: float
    wall_s: float
    memory_mib: int
    processes: int
    output_kib: int
    files_mib: int
    files: int


@dataclass(frozen=True)
class ProgramPart:
    """One program of a request: Python (`source`) or a command (`argv`)."""

    source: str | None
    argv: tuple[str, ...]
    files: dict[str, bytes]
    stdin: bytes


@dataclass(frozen=True)
class RunRequest:
    """The head of a request: programs that run beside each other, one alone or a solution and its checks. Each
    follows in a frame of its own, which only its own first process reads."""

    limits: RoomLimits
    roles: tuple[ProgramRole, ...]


def read_request(control: socket.socket) -> RunRequest | None:
    """The next request's head; None when the other side has gone."""
    said = _read(control)
    if said is None:
        return None
    return RunRequest(RoomLimits(**said["limits"]), tuple(ProgramRole(role) for role in said["roles"]))


def read_part(control: socket.socket) -> ProgramPart:
    """The next program of the request. Raises EOFError when the other side has gone."""
    said = _read(control)
    if said is None:
        raise EOFError("the program was not sent")
    return ProgramPart(
        source=said["run"].get("text"),
        argv=tuple(said["run"].get("argv", ())),
        files={path: b64decode(data) for path, data in said["files"].items()},
        stdin=b64decode(said["stdin"]),
    )


def answer(control: socket.socket, said: dict[str, Any]) -> None:
    """Sends one reply. Raises OSError when the other side has gone."""
    body = json.dumps(said).encode()
    control.sendall(_LENGTH.pack(len(body)) + body)


def in_text(data: bytes) -> str:
    """Bytes as JSON carries them."""
    return b64encode(data).decode()


def _read(control: socket.socket) -> Any:
    head = _exactly(control, _LENGTH.size)
    body = None if head is None else _exactly(control, _LENGTH.unpack(head)[0])
    return None if body is None else json.loads(body)


def _exactly(control: socket.socket, count: int) -> bytes | None:
    got = bytearray()
    while len(got) < count:
        block = control.recv(min(count - len(got), 1 << 20))
        if not block:
            return None
        got += block
    return bytes(got)
