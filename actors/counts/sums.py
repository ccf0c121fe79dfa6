"""What is said of a whole run with several queue shards: the sum of what is said of each.

Law: only what is said here to be a sum is added up: a number that a struct gains raises until somebody has said what
several shards' numbers are together, for a mean or a maximum that is summed looks like a figure. Rows of a table with
the same key are one row. Nothing known (None) and a figure are the figure.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import astuple, replace

from actors.counts.rates import rate
from schemas.distributions import Distribution
from schemas.gate_audit import Rate
from schemas.probes import Drift, EndedProbes, FlawDiagnosis, FlawProbes, FlawRecall, GateCatch, ProbedGate, Probes
from schemas.progress import (
    Counts,
    CreditCount,
    EndCount,
    EndWords,
    EngineErrors,
    GateErrors,
    GateOverlap,
    GateVerdicts,
    KindCount,
    MalformedCount,
    ModeCount,
    RefusalCount,
    RejectedTogether,
    RepairStat,
    Retrieval,
    RoleCost,
    RunSnapshot,
    Spent,
    Summary,
)

T = TypeVar("T", bound=Struct)

_SPENT = ("calls", "prompt_tokens", "completion_tokens", "seconds")
SUMS: dict[type[Struct], tuple[str, ...]] = {
    RunSnapshot: ("ready", "leased", "waiting", "rollouts", "stale", "unaccounted"),
    Counts: (
        "issued", "accepted", "dead_lettered", "outstanding", "first_pass", "rejected", "recovered", "attempts",
        "refused_documents", "read_again_documents", "reopened",
    ),
    RoleCost: (*_SPENT, "estimated_tokens"),
    Spent: _SPENT,
    GateOverlap: ("scored", "both", "only_faithfulness", "only_reward"),
    RejectedTogether: ("attempts",),
    ModeCount: ("attempts",),
    MalformedCount: ("attempts",),
    RefusalCount: ("documents",),
    RepairStat: ("tried", "accepted"),
    EndCount: ("orders",),
    EndWords: ("orders",),
    GateErrors: ("count",),
    EngineErrors: ("count",),
    KindCount: ("issued", "accepted"),
    GateVerdicts: ("passed", "rejected", "errored"),
    Retrieval: ("searches", "hits"),
    GateCatch: ("caught", "alone"),
    CreditCount: (
        "begun", "labelled", "decided", "restartable", "steps", "rollouts", "right", "wrong", "failed", "tokens",
    ),
    FlawDiagnosis: ("probes",),
    FlawProbes: (
        "caught", "missed", "errored", "repaired", "healed", "still_bad", "unknown", "given_up",
    ),
    Probes: ("issued", "ended", "tokens"),
    EndedProbes: ("probes",),
    ProbedGate: ("judged", "errored", "in_window"),
    Distribution: ("total",),
}  # fmt: skip
"""Numbers that are the sum of the shards' numbers."""
EITHER: dict[type[Struct], tuple[str, ...]] = {
    FlawDiagnosis: ("right",),
    ProbedGate: ("last",),
    FlawRecall: ("expected",),
    Drift: ("flagged",),
}
"""What is true of the run when it is true of one shard."""


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
        "worked_s": 0.0,
    }
    return replace(
        reduce(_structs, (replace(each, **untimed, skipped_files={}) for each in summaries)),
        skipped_files=max((each.skipped_files for each in summaries), key=lambda files: sum(files.values())),
        worked_s=max(each.worked_s for each in summaries),
        corpus_ended=all(each.corpus_ended for each in summaries),
        started_at=min((each.started_at for each in summaries if each.started_at is not None), default=None),
        first_accepted_at=min(
            (each.first_accepted_at for each in summaries if each.first_accepted_at is not None), default=None
        ),
        last_at=max((each.last_at for each in summaries if each.last_at is not None), default=None),
    )


def _structs(one: T, other: T) -> T:
    return type(one)(**{name: _field(type(one), name, one, other) for name in one.__struct_fields__})


def _field(kind: type[Struct], name: str, one: Struct, other: Struct) -> Any:
    """The field of both together. Raises TypeError for a number that nobody has said to be a sum."""
    mine, theirs = getattr(one, name), getattr(other, name)
    if isinstance(mine, bool):
        said = EITHER
    elif isinstance(mine, int | float):
        said = SUMS
    else:
        return _added(mine, theirs)
    if name in said.get(kind, ()):
        return (mine or theirs) if said is EITHER else mine + theirs
    if mine == theirs and not mine:  # taken out by whoever knows what it is
        return mine
    raise TypeError(f"{kind.__name__}.{name}: say in actors.counts.sums what it is of several shards together")


def _added(one: Any, other: Any) -> Any:
    match one:
        case Rate():
            return rate(one.successes + other.successes, one.trials + other.trials)
        case Drift():
            both = _structs(replace(one, evidence=0.0), replace(other, evidence=0.0))
            return replace(both, evidence=max(one.evidence, other.evidence))
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
    raise TypeError(f"{one!r} and {other!r} do not add up: say in actors.counts.sums what they are together")


def _tuples(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    if any(isinstance(each, Struct) for each in one + other):
        return tuple(_tables(_rows(one), _rows(other)).values())
    return tuple(map(_added, one, other)) if one and other else one or other


def _tables(one: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
    both = {key: _added(row, other[key]) for key, row in one.items() if key in other}
    return one | other | both


def _rows(table: Sequence[Struct]) -> dict[Any, Struct]:
    """By what is no number and no table: the role, the end, the kind, the names of gates."""
    return {tuple(filter(_is_key, astuple(row))): row for row in table}


def _is_key(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(isinstance(each, str) for each in value)
    return not isinstance(value, int | float | dict | Struct)
