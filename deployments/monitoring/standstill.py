"""Why a run makes no progress, found in its Progress and put into words. Pure, but for one log.

Law: within `STILL_S` seconds after an attempt last ended, the terminal, `gleaner status` and the log name the cause. A
pool that cannot be asked is named at once, anything else when no attempt has ended for so long.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from deployments.monitoring.progress import Phase, Progress
from schemas.live import InFlight, Loading, Waiting
from schemas.progress import Summary
from schemas.stages import Pause, PauseKind, Stage, in_order

log = logging.getLogger("gleaner.run")

STILL_S = 8.0
"""No attempt has ended for so long: it is reported, in time for the promised ten seconds."""
AGAIN_S = 60.0
"""A run that still stands is logged again after so long."""
_KINDS = {
    PauseKind.AWAY: "",
    PauseKind.REFUSED: "refuses to serve: ",
    PauseKind.OVERLOADED: "asks to wait: ",
}


def waits_of(progress: Progress) -> Waiting:
    """What the run waits for now."""
    running = progress.phase in (Phase.STARTING, Phase.RUNNING, Phase.DRAINING)
    still_s = max(0.0, progress.at - progress.moved_at) if progress.moved_at is not None and running else 0.0
    flights: Counter[Stage] = Counter()
    for conductor in progress.conductors:
        flights.update({flow.stage: flow.in_flight for flow in conductor.stages})
    snapshot = progress.snapshot
    return Waiting(
        pauses=tuple(merged(pause for conductor in progress.conductors for pause in conductor.paused)),
        still_s=still_s,
        in_flight=tuple(InFlight(stage, flights[stage]) for stage in in_order(flights) if flights[stage]),
        ready=snapshot.ready if snapshot is not None else 0,
        oldest_s=snapshot.oldest_s if snapshot is not None else 0.0,
        loading=tuple(
            Loading(status.role, status.starting, status.wanted) for status in progress.replicas if not status.running
        ),
        sinks=tuple(merged(progress.sinks)),
    )


def merged(pauses: Iterable[Pause]) -> list[Pause]:
    """One pause for each pool: since the first conductor met it, until the first gives up, with all waiting orders."""
    found: dict[str, Pause] = {}
    for pause in pauses:
        other = found.get(pause.name, pause)
        untils = [each.until for each in (other, pause) if each.until is not None]
        found[pause.name] = Pause(
            name=pause.name,
            since=min(other.since, pause.since),
            why=min(other, pause, key=lambda each: each.since).why,
            kind=other.kind,
            until=min(untils) if untils else None,
            waiting=pause.waiting + (other.waiting if other is not pause else 0),
        )
    return [found[name] for name in sorted(found)]


def words(waits: Waiting, *, now: float) -> list[str]:
    """What holds the run up, one line each: pools that cannot be asked, or else the state of a run in which nothing
    ends; and sinks that take nothing. Empty when the run makes progress."""
    sinks = [_paused(pause, now) for pause in waits.sinks]
    lines = [_paused(pause, now) for pause in waits.pauses]
    if lines or waits.still_s < STILL_S:
        return lines + sinks
    known = [f"{each.samples:,} in {each.stage}" for each in waits.in_flight]
    known += [f"{waits.ready:,} ready, the oldest for {waits.oldest_s:.0f} s"] if waits.ready else []
    known += [f"{each.name} still loads (0 of {each.wanted} ready)" for each in waits.loading]
    return [f"no attempt ended for {waits.still_s:.0f} s: {', '.join(known) or 'nothing is in flight'}", *sinks]


def _paused(pause: Pause, now: float) -> str:
    facts = [f"since {time_of_day(pause.since, now=now)}"]
    facts += [f"{pause.waiting:,} order{'' if pause.waiting == 1 else 's'} wait"] if pause.waiting else []
    facts += [f"gives up {time_of_day(pause.until, now=now)}"] if pause.until is not None else []
    return f"{pause.name}: {_KINDS[pause.kind]}{' '.join(pause.why.split())} ({', '.join(facts)})"


def time_of_day(at: float, *, now: float) -> str:
    """A moment (seconds since the epoch) in local time, with the date when it is not today."""
    try:
        there, here = datetime.fromtimestamp(at).astimezone(), datetime.fromtimestamp(now).astimezone()
    except (OverflowError, ValueError, OSError):  # a file of unknown origin may hold anything
        return "–"
    return there.strftime("%H:%M:%S" if there.date() == here.date() else "%Y-%m-%d %H:%M:%S")


class Standstill:
    """Follows a run's Progress. Logs each wait when it begins, when it ends, and every minute in between."""

    def __init__(self) -> None:
        self._moved_at: float | None = None
        self._ended_so_far: int | None = None
        self._told: dict[str, float] = {}

    def moved_at(self, summary: Summary, *, at: float) -> float:
        """When an attempt, a rollout or a probe last ended, as far as this process has seen."""
        ended = summary.counts.attempts + summary.credit.rollouts + summary.probes.ended
        if self._moved_at is None or ended != self._ended_so_far:
            self._moved_at, self._ended_so_far = at, ended
        return self._moved_at

    def log(self, waits: Waiting, *, now: float) -> None:
        """Logs what is new about the wait."""
        pauses = {pause.name: pause for pause in waits.pauses}
        still = not pauses and waits.still_s >= STILL_S
        for name, pause in pauses.items():
            if self._due(name):
                log.warning("a pool cannot be asked: %s", _paused(pause, now), extra={"pool": name})
        if still and self._due(""):
            log.warning("the run stands still: %s", words(waits, now=now)[0])
        for name in self._ended([*pauses, *([""] if still else [])]):
            log.warning("the run goes on", extra={"pool": name} if name else {})

    def _due(self, name: str) -> bool:
        now = time.monotonic()
        due = now - self._told.get(name, float("-inf")) >= AGAIN_S
        if due:
            self._told[name] = now
        return due

    def _ended(self, going_on: Sequence[str]) -> list[str]:
        ended = [name for name in self._told if name not in going_on]
        for name in ended:
            del self._told[name]
        return ended
