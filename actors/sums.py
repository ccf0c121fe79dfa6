"""What is said of a whole run with several queue shards: the sum of what is said of each.

Law: numbers add up, and rows of a table with the same key are one row. So a figure that is added to a summary is summed
without a word here; only what is no sum (a moment, the oldest age, a rate, the evidence of a drift) is named. Nothing
known (None) and a figure are the figure.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import astuple, replace

from actors.rates import rate
from schemas.canaries import Drift
from schemas.gate_audit import Rate
from schemas.progress import RunSnapshot, Summary

T = TypeVar("T", bound=Struct)


def whole(snapshots: Sequence[RunSnapshot]) -> RunSnapshot:
    """The run of these shards, one at least. `recovering` is the first shard's that does."""
    if len(snapshots) == 1:
        return snapshots[0]
    return replace(
        reduce(_structs, (replace(each, at=0.0, oldest_s=0.0, recovering="", summary=Summary()) for each in snapshots)),
        at=max(each.at for each in snapshots),
        oldest_s=max(each.oldest_s for each in snapshots),
        recovering=next((each.recovering for each in snapshots if each.recovering), ""),
        summary=total([each.summary for each in snapshots]),
    )


def total(summaries: Sequence[Summary]) -> Summary:
    """The summary of all shards' ledgers, one at least."""
    untimed = {
        "corpus_ended": False,
        "started_at": None,
        "first_accepted_at": None,
        "last_at": None,
    }
    return replace(
        reduce(_structs, (replace(each, **untimed, skipped_files={}) for each in summaries)),
        skipped_files=max((each.skipped_files for each in summaries), key=lambda files: sum(files.values())),
        corpus_ended=all(each.corpus_ended for each in summaries),
        started_at=min((each.started_at for each in summaries if each.started_at is not None), default=None),
        first_accepted_at=min(
            (each.first_accepted_at for each in summaries if each.first_accepted_at is not None), default=None
        ),
        last_at=max((each.last_at for each in summaries if each.last_at is not None), default=None),
    )


def _structs(one: T, other: T) -> T:
    return type(one)(**{name: _added(getattr(one, name), getattr(other, name)) for name in one.__struct_fields__})


def _added(one: Any, other: Any) -> Any:
    match one:
        case bool():
            return one or other
        case Rate():
            return rate(one.successes + other.successes, one.trials + other.trials)
        case Drift():
            return replace(_structs(one, other), evidence=max(one.evidence, other.evidence))
        case Struct():
            return _structs(one, other)
        case dict():
            return _tables(one, other)
        case tuple():
            return _tuples(one, other)
        case int() | float():
            return one + other
        case _ if one == other or other is None:
            return one
        case None:
            return other
    raise TypeError(f"{one!r} and {other!r} do not add up: say in actors.sums what they are together")


def _tuples(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    if any(isinstance(each, Struct) for each in one + other):
        return tuple(_tables(_rows(one), _rows(other)).values())
    return tuple(map(_added, one, other)) if one and other else one or other


def _tables(one: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
    both = {key: _added(row, other[key]) for key, row in one.items() if key in other}
    return one | other | both


def _rows(table: Sequence[Struct]) -> dict[Any, Struct]:
    """By what is no number and no table: the role, the end, the kind."""
    return {tuple(filter(_is_key, astuple(row))): row for row in table}


def _is_key(value: Any) -> bool:
    return not isinstance(value, int | float | tuple | dict | Struct)
