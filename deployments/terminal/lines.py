"""A run's progress as plain lines, for a file or CI: one per few seconds or tenth of the way, no escape codes."""

from collections.abc import Iterator, Sequence

from deployments.monitoring.progress import Phase, Progress
from deployments.monitoring.standstill import waits_of, words
from deployments.terminal.board import noted, of_ended, time_left, worked_s, yield_percent
from deployments.terminal.rates import Flow
from deployments.terminal.words import clock, number, plural
from schemas.live import Waiting
from schemas.progress import RunSnapshot

EVERY_S = 10.0
"""Between lines, unless a tenth of the orders has ended sooner."""
LEAST_S = 2.0
"""Never more often than this."""


class Lines:
    """Remembers what it told last, to tell only what is new."""

    def __init__(self, name: str, started_at: float) -> None:
        self._name = name
        self._started_at = started_at
        self._told_at = float("-inf")
        self._told: tuple[Phase, str, int] | None = None
        self._advised = 0

    def of(self, progress: Progress, flow: Flow) -> Iterator[str]:
        """The lines that this moment deserves: how far the run is, and once what its first calls showed."""
        for advice in progress.advice[self._advised :]:
            yield f"{self._name}: {advice.words}"
        self._advised = len(progress.advice)
        waits = waits_of(progress)
        steady = " ".join([progress.note if progress.phase is not Phase.RUNNING else "", *_standing(waits)])
        now = (progress.phase, steady, _tenth(progress.snapshot))
        before = self._told
        changed = before is None or now[:2] != before[:2]
        since_s = progress.at - self._told_at
        if not changed and (since_s < LEAST_S or (since_s < EVERY_S and now == before)):
            return
        self._told, self._told_at = now, progress.at
        held = words(waits, now=progress.at)
        seconds = worked_s(progress, elapsed_s=progress.at - self._started_at)
        head = f"{clock(seconds)} {self._name} {progress.phase.value}"
        yield f"{head}: {_told(progress, flow, held)}"


def _standing(waits: Waiting) -> list[str]:
    """What about a wait deserves a line of its own when it changes."""
    sinks = [pause.name for pause in waits.sinks]
    held = [pause.name for pause in waits.pauses] or (["still"] if len(words(waits, now=0.0)) > len(sinks) else [])
    return held + sinks


def _tenth(snapshot: RunSnapshot | None) -> int:
    if snapshot is None or not snapshot.counts.issued:
        return 0
    counts = snapshot.counts
    return 10 * counts.ended // counts.issued


def _told(progress: Progress, flow: Flow, held: Sequence[str]) -> str:
    snapshot = progress.snapshot
    if snapshot is None or (progress.phase is Phase.STARTING and not snapshot.counts.attempts):
        return "; ".join([noted(progress) or "starting", *held])
    counts = snapshot.counts
    if not counts.attempts:
        return "; ".join([f"{plural(counts.issued, 'order')} read, no attempt ended yet", *held])
    more = "" if snapshot.summary.all_planned else "+"
    tokens = [f"{number(round(sum(flow.tokens_per_s.values())))} tokens/s"] if flow.tokens_per_s else []
    return ", ".join(
        [
            f"{counts.ended:,} of {counts.issued:,}{more} ended",
            f"yield {yield_percent(counts)}{of_ended(counts)}",
            f"recovered {counts.recovered:,} of {counts.rejected:,}",
            f"{snapshot.ready:,} ready and {snapshot.leased:,} leased",
            *tokens,
            "; ".join(held) or time_left(progress, flow),
        ]
    )
