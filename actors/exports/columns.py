"""The columns that several exports share. Each has its type and its description, used by files, cards and
documentation.

Law: a trainer's columns come first and have the trainer's names; all other columns are lineage.
"""

from collections.abc import Iterable, Sequence

import msgspec
import pyarrow as pa
from msgspec import Struct

from actors.dataset.executions import EXECUTIONS
from actors.dataset.rows import MESSAGES, PROVENANCE_TYPE, Row, scores_of, vary_of
from schemas.corpus import Passage
from schemas.exports import Form
from schemas.samples import Message


class Column(Struct, frozen=True):
    """A column's name, type and description."""

    name: str
    type: pa.DataType
    holds: str


def origin_type(own: Iterable[str] = (), vary: Sequence[str] = (), *, executes: bool = False) -> pa.DataType:
    """The type of an origin column, with the scores of a configuration's own gates, its variables if it has some, and
    what was executed if a gate executes programs."""
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
            ("unjudged", pa.list_(pa.string())),
            *([("vary", vary_of(vary))] if vary else ()),
            *([("executions", EXECUTIONS)] if executes else ()),
        ]
    )


ORIGIN = origin_type()
"""The origin type for a run with the built-in gates alone."""
_ORIGIN_HOLDS = (
    "the order and which of its attempts, pool and model, sampling, the repair that it was made under, the attempt "
    "whose first steps it restarted from, its diagnosis, the gates that rejected it, every gate's score, the gates "
    "that did not judge it because its order was not in their share; with `task.vary`, the order's variables; "
    "with a gate of form `execution` or `tests`, what was executed: program, outcome, result or tests, limits, sandbox"
)

ID = Column("id", pa.string(), "from the format, the orders and the attempts: the same in every export of the ledger")
PLACE = (
    Column("task", pa.string(), "`grounded_answer` or `math`"),
    Column("passage_id", pa.string(), "the passage or problem; no split shares its document with another"),
    Column(
        "provenance",
        PROVENANCE_TYPE,
        "uri, document id and sha256, start and end in characters, what cut it; its place, licence and extractor",
    ),
)


REASONING = Column(
    "reasoning", pa.string(), "with `task.keep_reasoning`: what the model thought before it answered; null: nothing"
)


def said(form: Form) -> pa.DataType:
    """The type of a prompt or completion column."""
    return MESSAGES if form is Form.MESSAGES else pa.string()


def schema_of(
    columns: Iterable[Column], own: Iterable[str] = (), vary: Sequence[str] = (), *, executes: bool = False
) -> pa.Schema:
    """The schema of these columns. `own`: the run's own gates; `vary`: its variables; `executes`: whether one of the
    gates executes programs."""
    origin = origin_type(own, vary, executes=executes)
    return pa.schema([(each.name, origin if each.type == ORIGIN else each.type) for each in columns])


def origin(name: str, of: str) -> Column:
    """An origin column, which says where a text comes from. `origin_of` fills it."""
    return Column(name, ORIGIN, f"of {of}: {_ORIGIN_HOLDS}")


def place(passage: Passage, task: str) -> Row:
    """The values of the `PLACE` columns."""
    return {"task": task, "passage_id": passage.id, "provenance": msgspec.structs.asdict(passage.provenance)}


def as_messages(messages: tuple[Message, ...]) -> list[Row]:
    """Messages in the form that trainers read."""
    return [{"role": message.role, "content": message.content} for message in messages]
