"""The live view of a run: one Progress and its flow to one renderable, calm at 80 columns and at 120.

Pure, and of a steady height while the run goes on, so that a redraw moves nothing.
"""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from actors.counts.outlook import outlook, outlook_words
from deployments.monitoring.progress import Phase, Progress, ReplicaStatus
from deployments.monitoring.standstill import waits_of, words
from deployments.terminal.parts import BAD, DIM, GOOD, WARN, Bar, columns, facts, grid
from deployments.terminal.rates import Flow
from deployments.terminal.words import clock, number, per_second, percent, plural, printable, spoken
from schemas.progress import Counts, RunSnapshot, Summary
from schemas.recovery import FailureMode
from schemas.verdicts import FAITHFULNESS, REWARD

MODES_SHOWN = 4
GATES = (FAITHFULNESS, REWARD)
"""Roles that are no generator pool: shown below these."""
FIXED_LINES = 14
"""Lines of the board that are always there: margins, head, bar, outcome, two table heads and what keeps them apart."""
_PHASE_STYLE = {
    Phase.STARTING: WARN,
    Phase.RUNNING: GOOD,
    Phase.DRAINING: WARN,
    Phase.FINISHING: GOOD,
    Phase.DONE: GOOD,
}


def board(
    progress: Progress, flow: Flow, *, name: str, elapsed_s: float, wanted: int | None = None, height: int = 40
) -> RenderableType:
    """The whole view in at most `height` lines, where that can be. `elapsed_s`: since this process began. `wanted`: the
    accepted samples that end the run, if a number of them does."""
    parts: list[RenderableType] = [_head(progress, name, worked_s(progress, elapsed_s=elapsed_s))]
    held = [Text(line, style=WARN) for line in words(waits_of(progress), now=progress.at)]
    advised = [Text(advice.words, style=WARN) for advice in progress.advice]
    snapshot = progress.snapshot
    if snapshot is not None and snapshot.counts.attempts:
        parts += [_bar(snapshot), *(held or [Text(time_left(progress, flow), style=DIM)]), *advised, Text()]
        models = _models(progress, flow)
        parts += [_outcome(snapshot, wanted), Text(), _stages(flow), Text(), models]
        room = height - FIXED_LINES - len(flow.stages) - models.row_count - max(0, len(held) - 1)
        parts += _failures(snapshot.summary, shown=min(MODES_SHOWN, room - 2))
    else:
        parts += [*_start_up(progress, flow), *held]
    return Padding(Group(*parts), (1, 1, 1, 1))


def noted(progress: Progress) -> str:
    """The run's note on one line; it may quote a server."""
    return printable(" ".join(progress.note.split()))


def time_left(progress: Progress, flow: Flow) -> str:
    """The line under the bar: how long it will still take, and how sure that is."""
    counts = progress.snapshot.counts if progress.snapshot is not None else Counts()
    read = progress.snapshot is not None and progress.snapshot.summary.all_planned
    match progress.phase:
        case Phase.DRAINING:
            return "finishing what is in flight (Ctrl-C again: stop at once, nothing is lost)"
        case Phase.FINISHING | Phase.DONE:
            return noted(progress) or "writing the last files"
    if progress.note:
        return f"{noted(progress)}{_missing(progress)}"
    if flow.left_s is None:
        return "time left: not known yet"
    rate = f" · {per_second(flow.ended_per_s or 0)} orders/s"
    if read and flow.left_s < 1:
        return f"almost done{rate}"
    if not read:
        known = plural(counts.outstanding, "order")
        return f"about {clock(flow.left_s)} for the {known} read so far, more to read{rate}"
    return f"about {clock(flow.left_s)} left{rate}"


def _missing(progress: Progress) -> str:
    names = [status.role for status in progress.replicas if not status.running]
    return f" (no {', no '.join(names)} yet)" if names else ""


def _head(progress: Progress, name: str, elapsed_s: float) -> RenderableType:
    row = Table.grid(expand=True)
    row.add_column(overflow="fold")
    row.add_column(justify="right")
    title = Text.assemble(("gleaner ", "bold"), (name, "bold cyan"), "  ")
    title.append(progress.phase.value, style=_PHASE_STYLE[progress.phase])
    row.add_row(title, Text(clock(elapsed_s), style="bold"))
    return row


def _bar(snapshot: RunSnapshot) -> RenderableType:
    counts = snapshot.counts
    row = Table.grid(expand=True, padding=(0, 0, 0, 2))
    row.add_column(ratio=1)
    row.add_column(justify="right", no_wrap=True)
    row.add_row(
        Bar(counts),
        f"{counts.ended:,} of {counts.issued:,}" + ("" if snapshot.summary.all_planned else "+"),
    )
    return row


def _outcome(snapshot: RunSnapshot, wanted: int | None) -> RenderableType:
    counts = snapshot.counts
    table = grid()
    table.add_column(style=DIM, min_width=9)
    table.add_column(justify="right", style="bold", min_width=6)
    table.add_column()
    accepted = Text.assemble((f"{counts.accepted:,}", GOOD), " accepted, ", (f"{counts.dead_lettered:,}", BAD))
    table.add_row("yield", yield_percent(counts), accepted.append(f" dead-lettered{of_ended(counts)}"))
    table.add_row(
        "recovery",
        percent(counts.recovered, counts.rejected),
        f"{counts.recovered:,} of {plural(counts.rejected, 'rejected order')} accepted later",
    )
    table.add_row("queue", f"{snapshot.ready:,}", _queue(snapshot))
    ahead = outlook(snapshot.summary, wanted=wanted)
    table.add_row("outlook", "–" if ahead is None else f"{ahead.accepted.value:,.0f}", outlook_words(ahead))
    return table


def yield_percent(counts: Counts) -> str:
    """Accepted of issued and needed: the same figure on the board, in lines, status and report."""
    return percent(counts.accepted, counts.needed)


def of_ended(counts: Counts) -> str:
    """While orders are outstanding: what share of those that have ended was accepted."""
    is_told = counts.outstanding and counts.ended
    return f" · {percent(counts.accepted, counts.ended)} of the ended" if is_told else ""


def worked_s(progress: Progress, *, elapsed_s: float) -> float:
    """The run's own time as the report tells it; before its first record the time since the command."""
    summary = progress.snapshot.summary if progress.snapshot is not None else None
    if summary is None or summary.started_at is None or summary.last_at is None:
        return elapsed_s
    return summary.worked_s + max(0.0, progress.at - summary.last_at)


def _stages(flow: Flow) -> RenderableType:
    table = columns("stage", "in flight", "done", "per s", "mean")
    for rate in flow.stages:
        table.add_row(
            rate.stage,
            f"{rate.in_flight:,}",
            f"{rate.done:,}",
            "–" if rate.per_s is None else per_second(rate.per_s),
            "–" if rate.mean_s is None else spoken(rate.mean_s),
        )
    return table


def _models(progress: Progress, flow: Flow) -> Table:
    scaling = progress.scaling
    finds = scaling is not None and scaling.in_flight is not None
    table = columns("model", "replicas", *(("at once",) if finds else ()), "tokens/s", "tokens")
    at_once = {} if scaling is None else {role: f"{each.slots:,}" for role, each in scaling.pools.items()}
    roles = progress.snapshot.summary.roles if progress.snapshot is not None else ()
    tokens = {role.role: role.tokens for role in roles}
    running = {status.role: status for status in progress.replicas}
    for role in sorted(dict.fromkeys([*running, *tokens]), key=lambda role: role in GATES):
        per_s = flow.tokens_per_s.get(role)
        table.add_row(
            role,
            _of(running.get(role)),
            *((at_once.get(role, "–"),) if finds else ()),
            "–" if per_s is None else number(round(per_s)),
            number(tokens.get(role, 0)),
        )
    return table


def _of(status: ReplicaStatus | None) -> Text:
    if status is None:
        return Text("–")
    whole = status.running >= status.wanted and status.running > 0
    return Text(f"{status.running}/{status.wanted}", style="default" if whole else WARN)


def _queue(snapshot: RunSnapshot) -> str:
    oldest = f" (oldest {spoken(snapshot.oldest_s)})" if snapshot.ready and snapshot.oldest_s >= 1 else ""
    waiting = f" · {snapshot.waiting:,} waiting" if snapshot.waiting else ""
    return f"ready{oldest} · {snapshot.leased:,} leased{waiting}"


def _failures(summary: Summary, *, shown: int) -> Iterator[RenderableType]:
    modes = sorted(summary.modes, key=lambda count: -count.attempts)[: max(0, shown)]
    if not modes:
        return
    yield Text()
    table = columns("failed as", "attempts", first_width=20)
    table.add_column("repaired by")
    for count in modes:
        table.add_row(count.mode, f"{count.attempts:,}", repaired_by(summary, count.mode, shown=1))
    yield table


def repaired_by(summary: Summary, mode: FailureMode, *, shown: int) -> Text:
    """The repairs that recovered most orders diagnosed so, one a line, with how many of how many tries."""
    stats = [stat for stat in summary.repairs if stat.mode == mode and stat.tried]
    stats.sort(key=lambda stat: (-stat.accepted, stat.tried))
    parts = [f"{stat.repair} {stat.accepted:,} of {stat.tried:,}" for stat in stats[:shown]]
    return Text("\n".join(parts) or "–", style="default" if parts else DIM)


def _start_up(progress: Progress, flow: Flow) -> Iterator[RenderableType]:
    yield Text()
    starting = progress.phase in (Phase.STARTING, Phase.RUNNING)
    yield Text(noted(progress) or ("starting" if starting else time_left(progress, flow)))
    if progress.replicas:
        rows = [(status.role, _of(status).append(_doing(status))) for status in progress.replicas]
        yield Padding(facts(*rows), (1, 0, 0, 0))
    snapshot = progress.snapshot
    if snapshot is not None and snapshot.counts.issued:
        more = "" if snapshot.summary.all_planned else " so far"
        yield Text(f"{plural(snapshot.counts.issued, 'order')} issued{more}", style=DIM)


def _doing(status: ReplicaStatus) -> str:
    return " ready" if status.running else " loading"
