"""A run at one moment in the page's words: the state, the flow, the gates, the cost.

Law: nothing is counted here. Each figure is one of the terminal's tables, or a ratio of two of them; each sentence of
why a run waits or how long it takes is the terminal's.
"""

import time
from collections import deque
from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from actors.counts.advice import advice_of
from actors.counts.compared import is_over
from actors.counts.rates import rate, share
from deployments.monitoring.live import Driver
from deployments.monitoring.progress import Phase, Progress
from deployments.monitoring.standstill import words
from deployments.page.follower import FolderFollower
from deployments.terminal.board import time_left
from deployments.terminal.rates import Flow, Window, flow
from deployments.terminal.summary import driver_words
from schemas.gate_audit import Rate
from schemas.live import Live
from schemas.probes import ProbedGate
from schemas.progress import GateVerdicts, RunSnapshot, Summary
from schemas.stages import ReplicaStatus

RECENT_S = 60.0
"""A gate's level is of the verdicts of so long, if there were any."""
SPACING_S = 1.0


class Tone(Enum):
    """How a state is coloured; its words say the same."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    IDLE = "idle"


class State(Struct, frozen=True):
    """What the run does now. `held`: what holds it up, a line each; `advice`: what its first samples showed; `left`:
    how long it will still take, "" for a run that does not go on."""

    tone: Tone
    word: str
    told: str
    held: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    left: str = ""


class GateLevel(Struct, frozen=True):
    """One gate as it serves now. `passed` and `errored`: shares of the verdicts of the last `RECENT_S` seconds, or of
    all where there were none; `recent`: how many these were, None for all; `probed`: its present version, measured."""

    gate: str
    tone: Tone
    state: str
    verdicts: int
    passed: Rate
    errored: Rate
    recent: int | None
    mean_s: float | None
    replicas: ReplicaStatus | None
    probed: ProbedGate | None
    drifting: bool


class ShownMoment(Struct, frozen=True):
    """What the overview shows beside the tables."""

    at: float
    state: State
    flow: Flow
    gates: tuple[GateLevel, ...]
    goes_on: bool


class Watch:
    """Makes moments of what a follower has read. Ask it about once a second: it keeps the last minute."""

    def __init__(self, follower: FolderFollower) -> None:
        self._follower = follower
        self._window = Window()
        self._flow = flow(())
        self._recent: deque[tuple[float, Summary]] = deque()

    def moment(self, now: float | None = None) -> ShownMoment:
        """The moment `now`, in seconds since the epoch."""
        now = time.time() if now is None else now
        follower, live = self._follower, self._follower.live
        goes_on = live is not None and driver_words(live, now=now)[0] in (Driver.RUNS, Driver.SILENT)
        summary, progress = follower.summary, None
        if follower.reading.is_whole:
            self._remember(now, summary)
        if live is not None:
            progress = _progress(live, summary, now)
        if not goes_on:
            self._window, self._flow = Window(), flow(())
        elif progress is not None and follower.reading.is_whole:
            self._flow = flow(self._window.add(progress))
        state = _state(follower, self._flow, progress, now)
        return ShownMoment(now, state, self._flow, tuple(self._gates(summary, live if goes_on else None)), goes_on)

    def _remember(self, now: float, summary: Summary) -> None:
        if not self._recent or now - self._recent[-1][0] >= SPACING_S:
            self._recent.append((now, summary))
        while len(self._recent) > 1 and now - self._recent[1][0] > RECENT_S:
            self._recent.popleft()

    def _gates(self, summary: Summary, live: Live | None) -> Iterator[GateLevel]:
        before = {row.gate: row for row in self._recent[0][1].verdicts} if self._recent else {}
        costs = {role.role: role for role in summary.roles}
        replicas = {status.role: status for status in live.replicas} if live is not None else {}
        probed = {gate.gate: gate for gate in summary.probes.gates if gate.last}
        drifting = {gate.gate for gate, _ in summary.probes.drifting}
        for row in sorted(summary.verdicts, key=lambda row: row.gate not in (costs.keys() | probed.keys())):
            now = _since(row, before.get(row.gate))
            recent = _judged(now) + now.errored
            of = now if live is not None and recent else row
            asked, status = costs.get(row.gate), replicas.get(row.gate)
            tone, state = _gate_state(row.gate, status, live)
            yield GateLevel(
                gate=row.gate,
                tone=Tone.WARN if row.gate in drifting and tone is Tone.GOOD else tone,
                state=state,
                verdicts=_judged(row) + row.errored,
                passed=rate(of.passed, _judged(of)),
                errored=rate(of.errored, _judged(of) + of.errored),
                recent=recent if of is now else None,
                mean_s=None if asked is None else share(asked.seconds, asked.calls),
                replicas=status,
                probed=probed.get(row.gate),
                drifting=row.gate in drifting,
            )


def _judged(row: GateVerdicts) -> int:
    return row.passed + row.rejected


def _since(row: GateVerdicts, before: GateVerdicts | None) -> GateVerdicts:
    """The verdicts since then. A run that began anew has fewer than before: then all of them."""
    if before is None or _judged(row) + row.errored < _judged(before) + before.errored:
        return row
    gained = (row.passed - before.passed, row.rejected - before.rejected, row.errored - before.errored)
    return GateVerdicts(row.gate, *(max(0, each) for each in gained))


def _gate_state(gate: str, status: ReplicaStatus | None, live: Live | None) -> tuple[Tone, str]:
    if live is None:
        return Tone.IDLE, "not running"
    if any(pause.name == gate for pause in live.waiting.pauses):
        return Tone.BAD, "cannot be asked"
    if status is not None and not status.running:
        return Tone.WARN, "loading"
    return Tone.GOOD, "serving"


def _progress(live: Live, summary: Summary, now: float) -> Progress:
    """What the terminal's board would be told."""
    waiting = live.waiting
    snapshot = RunSnapshot(at=now, summary=summary, ready=waiting.ready, leased=live.leased, oldest_s=waiting.oldest_s)
    phases = {phase.value: phase for phase in Phase}
    return Progress(
        at=now,
        phase=phases.get(live.phase, Phase.RUNNING),
        snapshot=snapshot,
        conductors=live.conductors,
        replicas=live.replicas,
        note=live.note,
    )


def _state(follower: FolderFollower, flow: Flow, progress: Progress | None, now: float) -> State:
    summary, live = follower.summary, follower.live
    if follower.fault:
        starts = live is not None and driver_words(live, now=now)[0] is Driver.RUNS
        return State(Tone.WARN, "starting" if starts else "cannot be read now", follower.fault)
    if not follower.reading.is_whole:
        read, there = follower.reading.read, follower.reading.there
        told = f"{100 * read // max(1, there)}% of its {there:,} records so far; the tables below fill as it goes"
        return State(Tone.IDLE, "reading the ledger", told)
    advice = tuple(each.words for each in advice_of(summary))
    if live is None or progress is None:
        return _ended(summary, "", advice)
    driver, word, told = driver_words(live, now=now)
    if driver is Driver.OVER:
        return _ended(summary, f"{word}: the same command goes on", advice)
    if driver is not Driver.RUNS:
        return State(Tone.BAD, word, told.lstrip(": "), advice=advice)
    held = tuple(words(live.waiting, now=now))
    told = f"process {live.pid} on {live.host}"
    if held:
        return State(Tone.WARN, "held up", told, held, advice)
    return State(Tone.GOOD, word, told, advice=advice, left=time_left(progress, flow))


def _ended(summary: Summary, told: str, advice: tuple[str, ...]) -> State:
    if is_over(summary):
        return State(Tone.GOOD, "finished", "nothing is planned or outstanding any more", advice=advice)
    return State(Tone.WARN, "not finished", told or "the same command goes on", advice=advice)
