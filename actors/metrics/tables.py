"""Metrics that are named at the fields of a run's tables (`schemas.measures.Exposed`): labels are the table's keys.

Law: a table with one key has a series for every known value of it, zeros included. A table with several keys has only
the rows that exist. Modes that are no longer in the configuration become one, `GONE`; such gates are left out.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import Any, get_args, get_origin

from msgspec import Struct

from actors.counts.fields import Field, fields, is_struct
from actors.metrics.metric import GONE, Label, Metric, Point, Seen, Type, every, values
from schemas.distributions import AttemptEnd, Distribution, QueueTurn
from schemas.measures import Exposed
from schemas.orders import OrderKind
from schemas.progress import RunSnapshot
from schemas.recovery import FailureMode, RepairKind
from schemas.samples import MalformedReason
from schemas.verdicts import GateName

Rows = Callable[[RunSnapshot], Iterable[Any]]
"""The rows of a table."""
Cell = tuple[tuple[Any, ...], str, Any]
"""The keys of a row, the name of a field, and its value."""


KEYS: dict[Any, Label] = {
    OrderKind: Label.KIND,
    AttemptEnd: Label.OUTCOME,
    QueueTurn: Label.TURN,
    RepairKind: Label.REPAIR,
    MalformedReason: Label.DEFECT,
    FailureMode: Label.MODE,
    GateName: Label.GATE,
}


def table_metrics(kind: type[Struct], rows: Rows) -> Iterator[Metric]:
    """The metrics of a table, and of the tables inside it."""
    keys = [field for field in fields(kind) if field.is_key]
    columns: dict[Exposed, list[str]] = {}
    for field in fields(kind):
        if field.exposed is None:
            yield from _inside(field, rows)
        elif field.row is Distribution:
            key = KEYS[get_args(field.of)[0]]
            yield _metric(field.exposed, [key], partial(_distributions, rows, field.name))
        else:
            columns.setdefault(field.exposed, []).append(field.name)
    for exposed, names in columns.items():
        cells = partial(_cells, rows, [key.name for key in keys], names)
        yield _metric(exposed, [KEYS[key.of] for key in keys], cells)


def _inside(field: Field, rows: Rows) -> Iterator[Metric]:
    if is_struct(field.of):
        yield from table_metrics(field.of, lambda snapshot: map(attrgetter(field.name), rows(snapshot)))
    elif field.row is not None and get_origin(field.of) is tuple:
        yield from table_metrics(
            field.row, lambda snapshot: chain.from_iterable(map(attrgetter(field.name), rows(snapshot)))
        )


def _distributions(rows: Rows, name: str, snapshot: RunSnapshot) -> Iterator[Cell]:
    for row in rows(snapshot):
        yield from (((key,), "", distribution) for key, distribution in getattr(row, name).items())


def _cells(rows: Rows, keys: Sequence[str], names: Sequence[str], snapshot: RunSnapshot) -> Iterator[Cell]:
    for row in rows(snapshot):
        of = tuple(getattr(row, key) for key in keys)
        yield from ((of, name, getattr(row, name)) for name in names)


def _metric(exposed: Exposed, keys: Sequence[Label], cells: Callable[[RunSnapshot], Iterable[Cell]]) -> Metric:
    column = (Label(exposed.column),) if exposed.column else ()
    number = Type.COUNTER if exposed.name.endswith("_total") else Type.GAUGE

    def read(seen: Seen) -> Iterable[Point]:
        known = [values(label, seen.run) for label in keys]
        series = every((*keys, *column), seen.run) if len(keys) < 2 else ()
        found: dict[tuple[str, ...], Any] = dict.fromkeys(series, Distribution() if exposed.bounds else 0)
        for of, name, value in cells(seen.snapshot):
            told = [said for key, of_run in zip(of, known, strict=True) if (said := _told(key, of_run))]
            if len(told) == len(keys):
                place = (*told, name) if column else tuple(told)
                found[place] = value if exposed.bounds else found.get(place, 0) + value
        return found.items()

    return Metric(
        exposed.name,
        Type.HISTOGRAM if exposed.bounds else number,
        exposed.help,
        (*keys, *column),
        read,
        exposed.bounds,
    )


def _told(key: Enum | str, known: Sequence[str]) -> str | None:
    """A key as a label's value; None if the label has no such value."""
    name = str(key.value) if isinstance(key, Enum) else key
    return name if name in known else GONE if GONE in known else None


COUNTS = tuple(table_metrics(RunSnapshot, lambda snapshot: [snapshot]))
