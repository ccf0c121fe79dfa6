"""Labels that a person gives to samples: rows of `labels.jsonl` in the run's folder, as `gleaner audit --labelled` and
`probes.labelled` read them.

Law: a row holds all that a gate needs, so the file means something without the folder. An order has one label, its
last; a label that is taken back leaves no row. The file is replaced as a whole or not at all, and of several pages only
one writes at a time. Rows that others put there stay as they are.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from actors.ledger.door import read_regular
from actors.ledger.files import disk_errors, write_atomically
from actors.ledger.history import Life
from schemas.errors import OutputError, UserError
from schemas.flaws import FlawKind, Worth
from schemas.samples import Draft, asked_and_said, texts_of

NAME = "labels.jsonl"
LARGEST = 64 << 20
"""In bytes: some 30,000 labels."""


class GivenLabel(Struct, frozen=True):
    """What a person says of a sample. `gate`: the only gate that it is about; None: all."""

    worth: Worth
    flaw: FlawKind | None = None
    gate: str | None = None


def row_of(life: Life, label: GivenLabel, *, at: float) -> dict[str, Any]:
    """The row of an order's last draft. Raises UserError when it has none, and for a probe, which has a label."""
    draft = life.draft
    if life.probed is not None or draft is None:
        what = "is a probe and has its label" if life.probed is not None else "has no draft that could be read"
        raise UserError(f"order {life.order.id} {what}: it cannot be labelled")
    question, answer = _read_as(draft)
    row: dict[str, Any] = {
        "passage": life.passage.text,
        "question": question,
        "answer": answer,
        "label": label.worth is Worth.GOOD,
    }
    reference, tests = life.passage.reference, draft.fields.get("tests")
    if reference is not None:
        row |= {"solution": answer, "ground_truth": reference, "hidden_tests": reference}
    row |= {} if tests is None else {"tests": tests}
    row |= {} if label.flaw is None or label.worth is Worth.GOOD else {"flaw": label.flaw.value}
    row |= {} if label.gate is None else {"gate": label.gate}
    return row | {"order_id": str(life.order.id), "uri": life.passage.provenance.uri, "labelled_at": round(at, 3)}


def content_of(folder: Path) -> bytes:
    """The whole file, empty where there is none. Raises OutputError."""
    return b"".join(line + b"\n" for line in _lines(folder))


def labels_of(folder: Path) -> dict[str, GivenLabel]:
    """The labels of a folder's orders, in the order of their rows. Raises OutputError."""
    found: dict[str, GivenLabel] = {}
    for row in filter(None, map(_row, _lines(folder))):
        try:
            worth = Worth.GOOD if row.get("label") else Worth.BAD
            flaw = None if row.get("flaw") is None else FlawKind(row["flaw"])
            found[str(row["order_id"])] = GivenLabel(worth, flaw, row.get("gate"))
        except (KeyError, ValueError):  # somebody else's row
            continue
    return found


def set_label(folder: Path, order_id: str, row: dict[str, Any] | None) -> None:
    """Gives the order this row in place of its old one; None: takes its label back. Raises OutputError."""
    with _alone(folder):
        kept = [line for line in _lines(folder) if (_row(line) or {}).get("order_id") != order_id]
        lines = kept if row is None else [*kept, msgspec.json.encode(row)]
        content = b"".join(line + b"\n" for line in lines)
        if len(content) > LARGEST:
            raise OutputError(f"{folder / NAME}: would be larger than 64 MiB; move it away, and label on in a new one")
        write_atomically(folder / NAME, content)


def _read_as(draft: Draft) -> tuple[str, str]:
    """Question and answer, as a judge of two texts reads any draft."""
    shown = {name: text for name, text in draft.fields.items() if name != "tests"}
    if "question" in shown and "answer" in shown:
        return shown["question"], shown["answer"]
    return asked_and_said(texts_of(Draft(shown)))


def _lines(folder: Path) -> list[bytes]:
    try:
        data = read_regular(folder / NAME, LARGEST + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OutputError(f"{folder / NAME}: cannot be read ({error.strerror})") from error
    if len(data) > LARGEST:
        raise OutputError(f"{folder / NAME}: is larger than 64 MiB; move it away, and label on in a new one")
    return [line for line in data.split(b"\n") if line.strip()]


def _row(line: bytes) -> dict[str, Any] | None:
    """A line as an object; None if it is none. It stays in the file either way."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other page writes labels of this folder."""
    with disk_errors(folder / NAME):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
