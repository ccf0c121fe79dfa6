"""The columns that exports share: each with its type and what it holds, said once for files, cards and documentation.

Law: the columns that a trainer reads stand first and are named as it names them; the others are lineage.
"""

from collections.abc import Iterable

import msgspec
import pyarrow as pa
from msgspec import Struct

from actors.dataset.rows import MESSAGES, PROVENANCE_TYPE, Row, scores_of
from schemas.corpus import Passage
from schemas.exports import Form
from schemas.samples import Message


class Column(Struct, frozen=True):
    """A column: its name, its type, and what it holds."""

    name: str
    type: pa.DataType
    holds: str


def origin_type(own: Iterable[str] = ()) -> pa.DataType:
    """Where a text comes from, with the scores of a configuration's own gates."""
    return pa.struct(
        [
            ("order_id", pa.string()),
            ("attempt", pa.int64()),
            ("slot", pa.int64()),
            ("pool", pa.string()),
            ("model", pa.string()),
            ("temperature", pa.float64()),
            ("top_p", pa.float64()),
            ("seed", pa.int64()),
            ("repair", pa.string()),
            ("restarted_from", pa.int64()),
            ("failure_mode", pa.string()),
            ("confidence", pa.float64()),
            ("rejected_by", pa.list_(pa.string())),
            ("scores", scores_of(own)),
        ]
    )


ORIGIN = origin_type()
"""Of a run of the usual gates."""
_ORIGIN_HOLDS = (
    "the order and which of its attempts, pool and model, sampling, the repair that it was made under, the attempt "
    "whose first steps it restarted from, its diagnosis, the gates that rejected it, every gate's score"
)

ID = Column("id", pa.string(), "from the format, the orders and the attempts: the same in every export of the ledger")
PLACE = (
    Column("task", pa.string(), "`grounded_answer` or `math`"),
    Column("passage_id", pa.string(), "the passage or problem; no split shares its document with another"),
    Column("provenance", PROVENANCE_TYPE, "uri, document id and sha256, start and end in characters, what cut it"),
)


REASONING = Column(
    "reasoning", pa.string(), "with `task.keep_reasoning`: what the model thought before it answered; null: nothing"
)


def said(form: Form) -> pa.DataType:
    """The type of a prompt or completion."""
    return MESSAGES if form is Form.MESSAGES else pa.string()


def schema_of(columns: Iterable[Column], own: Iterable[str] = ()) -> pa.Schema:
    """The columns of a run whose configuration names these gates."""
    origin = origin_type(own)
    return pa.schema([(each.name, origin if each.type == ORIGIN else each.type) for each in columns])


def origin(name: str, of: str) -> Column:
    """Where a text comes from; `origin_of` fills it."""
    return Column(name, ORIGIN, f"of {of}: {_ORIGIN_HOLDS}")


def place(passage: Passage, task: str) -> Row:
    """What `PLACE` holds."""
    return {"task": task, "passage_id": passage.id, "provenance": msgspec.structs.asdict(passage.provenance)}


def as_messages(messages: tuple[Message, ...]) -> list[Row]:
    """Messages as a trainer reads them."""
    return [{"role": message.role, "content": message.content} for message in messages]
