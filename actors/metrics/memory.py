"""State that no single moment has: counts of conductors that have ended, and how often replicas were scaled. Pure.

Law: a counter never falls while this process lives. A conductor's name is never used again, so its last report is kept.
"""

from collections import Counter

from msgspec import Struct

from actors.metrics.metric import Run, RunMoment, Seen
from schemas.errors import ErrorKind
from schemas.progress import RunSnapshot, Summary
from schemas.scaling import ScalingDecision, Why
from schemas.stages import ConductorStatus, Stage

LATELY_S = 3.0
"""A busy conductor may miss some reports; one without a report for this long is not counted as living."""


class LastWord(Struct, frozen=True):
    """A conductor's last report, and its time."""

    at: float
    status: ConductorStatus


class Memory(Struct, frozen=True):
    """The memory. `snapshot`: the last one, for moments without a snapshot."""

    snapshot: RunSnapshot = RunSnapshot(at=0.0, summary=Summary())
    conductors: dict[str, LastWord] = {}
    scaling: ScalingDecision | None = None
    scale_changes: dict[tuple[str, Why], int] = {}


def remember(memory: Memory, moment: RunMoment) -> Memory:
    """The memory after one more moment."""
    told = {status.name: LastWord(moment.at, status) for status in moment.conductors}
    changes = memory.scale_changes
    scaling = moment.scaling
    if scaling is not None and (memory.scaling is None or scaling.at != memory.scaling.at):
        changes = dict(changes)
        for pool, decision in scaling.pools.items():
            if decision.wanted != decision.before:
                changes[(pool, decision.why)] = changes.get((pool, decision.why), 0) + 1
    return Memory(
        snapshot=memory.snapshot if moment.snapshot is None else moment.snapshot,
        conductors=memory.conductors | told,
        scaling=memory.scaling if scaling is None else scaling,
        scale_changes=changes,
    )


def seen(run: Run, moment: RunMoment, memory: Memory) -> Seen:
    """The values that metrics are read from. `memory`: with the moment already in it."""
    lately = [word.status for word in memory.conductors.values() if moment.at - word.at <= LATELY_S]
    in_flight: Counter[Stage] = Counter()
    for status in lately:
        for flow in status.stages:
            in_flight[flow.stage] += flow.in_flight
    failures: dict[tuple[str, ErrorKind], int] = {}
    for word in memory.conductors.values():
        for failed in word.status.failures:
            failures[(failed.name, failed.kind)] = failures.get((failed.name, failed.kind), 0) + failed.count
    return Seen(
        run=run,
        moment=moment,
        snapshot=memory.snapshot,
        in_flight=in_flight,
        conductors=len(lately),
        unreported=sum(word.status.unreported for word in memory.conductors.values()),
        failures=failures,
        scale_changes=memory.scale_changes,
    )
