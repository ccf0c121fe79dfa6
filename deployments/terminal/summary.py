"""What a run amounts to, as a person reads it at its end and in `gleaner status`. Pure: a Summary in, a view out."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from actors.counts.advice import advice_of
from actors.counts.carried_words import carried_words
from actors.counts.diversity import diversity_words
from actors.counts.outlook import outlook, outlook_words, saving, saving_words
from actors.report.intervals import interval_words
from deployments.monitoring.live import Driver, driver_of
from deployments.monitoring.standstill import words
from deployments.terminal.billed import bill_view
from deployments.terminal.board import GATES, of_ended, repaired_by, yield_percent
from deployments.terminal.corpus_words import skipped_words, unusable
from deployments.terminal.parts import BAD, DIM, GOOD, WARN, Bar, columns, facts, grid
from deployments.terminal.probed import probes_view
from deployments.terminal.words import clock, number, one_line, percent, plural, quoted, spoken
from schemas.bill import Bill
from schemas.credit import FIXED
from schemas.ids import OrderId
from schemas.live import Live
from schemas.overlap import GateOverlap
from schemas.progress import EndCount, EndWords, Summary
from schemas.recovery import Modes
from schemas.stop import PlanEnd

MODES_SHOWN = 6
REPAIRS_SHOWN = 2
WORDS_SHOWN = 3
VALUE_WIDTH = 28
"""Cells of a value that was drawn."""


def summary_view(
    summary: Summary,
    folder: Path,
    *,
    bill: Bill | None = None,
    wanted: int | None = None,
    example: OrderId | None = None,
) -> RenderableType:
    """Counts, yield, recovery, failures and repairs, cost by role. `wanted`: the accepted samples that end the run, if
    a number of them does; `example`: an order worth looking at."""
    numbers = _numbers(summary, wanted)
    parts: list[RenderableType] = [_head(summary, folder), Text(), Bar(summary.counts), Text(), numbers]
    views = (_advice, _strata, _failures, _ends, _roles)
    beside = (_carried, _diversity, _overlap, _unjudged, _cascades, _retrieval, _probes, _credit)
    for part in (*(view(summary) for view in views), bill_view(summary, bill), *(view(summary) for view in beside)):
        if part is not None:
            parts += [Text(), part]
    parts += [Text(), _next(summary, folder, example)]
    return Padding(Group(*parts), (1, 1))


def driver_words(live: Live, *, now: float) -> tuple[Driver, str, str]:
    """The state of the process that carries the run, in one word and in the words after it. `now`: seconds since the
    epoch."""
    who, age = f"process {live.pid} on {live.host}", spoken(max(0.0, now - live.at))
    heard = f"last heard of {age} ago"
    match driver := driver_of(live, now=now):
        case Driver.RUNS:
            return driver, live.phase, f" in {who} (as of {age} ago)"
        case Driver.SILENT:
            return driver, "silent", f": {who} hangs, or its machine is gone ({heard}, then {live.phase})"
        case Driver.GONE:
            return driver, "dead", f": {who} is gone ({heard}, then {live.phase}); the same command goes on"
        case Driver.OVER:
            return driver, "no process carries the run", f"; {who} left it {age} ago"


def live_view(live: Live, *, now: float) -> RenderableType:
    """Whether a process carries the run, how old its word is, and what keeps it. `now`: seconds since the epoch."""
    driver, state, told = driver_words(live, now=now)
    if driver is Driver.OVER:
        return Text(state + told, style=DIM)
    head = Text.assemble((state, {Driver.RUNS: GOOD, Driver.SILENT: WARN, Driver.GONE: BAD}[driver]), told)
    held = [Text(line, style=WARN) for line in words(live.waiting, now=now)]
    note = [Text(live.note, style=DIM)] if live.note else []
    return Group(head, *note, *held)


def _head(summary: Summary, folder: Path) -> RenderableType:
    counts = summary.counts
    if counts.outstanding or not summary.all_planned:
        state = Text("not finished", style=WARN)
    else:
        state = Text("finished", style=GOOD)
    row = Table.grid(expand=True)
    row.add_column(overflow="fold")
    row.add_column(justify="right", no_wrap=True)
    row.add_row(Text.assemble(("gleaner ", "bold"), (str(folder), "bold cyan")), state.append_text(_took(summary)))
    return row


def _took(summary: Summary) -> Text:
    if summary.started_at is None:
        return Text()
    return Text(f"  {clock(summary.worked_s)}", style="bold default")


def _numbers(summary: Summary, wanted: int | None) -> RenderableType:
    counts = summary.counts
    table = grid()
    table.add_column(style=DIM, min_width=13)
    table.add_column(justify="right", style="bold", min_width=8)
    table.add_column(overflow="fold")
    attempts = plural(counts.attempts, "attempt")
    table.add_row("orders", f"{counts.issued:,}", f"issued · {attempts}" + _planned(summary))
    table.add_row("accepted", Text(f"{counts.accepted:,}", style=GOOD), f"{counts.first_pass:,} at the first attempt")
    dead = Text(f"{counts.dead_lettered:,}", style=BAD if counts.dead_lettered else "bold")
    table.add_row("dead-lettered", dead, "with their reasons and whole history" if counts.dead_lettered else "")
    if counts.reopened:
        table.add_row("put back", f"{counts.reopened:,}", "dead letters that came back by a replay")
    if counts.not_needed:
        table.add_row("not needed", f"{counts.not_needed:,}", "left when the run wanted no more samples; in no yield")
    if counts.outstanding:
        table.add_row("outstanding", Text(f"{counts.outstanding:,}", style=WARN), "not ended yet")
    table.add_row(
        "yield",
        yield_percent(counts),
        f"accepted of issued{' and needed' if counts.not_needed else ''}" + of_ended(counts),
    )
    recovered = f"{counts.recovered:,} of {plural(counts.rejected, 'rejected order')} accepted later"
    table.add_row("recovery", percent(counts.recovered, counts.rejected), recovered)
    saved = saving(summary)
    if saved is not None:
        table.add_row("", f"{saved.share.value:.0%}", saving_words(saved))
    ahead = outlook(summary, wanted=wanted)
    if ahead is not None:
        table.add_row("outlook", f"{ahead.accepted.value:,.0f}", outlook_words(ahead))
    if summary.first_accepted_s is not None:
        table.add_row("first sample", spoken(summary.first_accepted_s), "from the start to the first accepted sample")
    if counts.refused_documents:
        refused = "; ".join(unusable(summary.refusals)) or "unusable, told in the dead letters"
        table.add_row("documents", Text(f"{counts.refused_documents:,}", style=WARN), Text(f"unusable: {refused}"))
    if counts.read_again_documents:
        again = f"{counts.read_again_documents:,}"
        table.add_row("read again", again, Text("documents that were unusable once and could be read later"))
    if summary.skipped_files:
        files = Text(f"{sum(summary.skipped_files.values()):,}", style=WARN)
        table.add_row("files skipped", files, Text(skipped_words(summary.skipped_files)))
    return table


_PLANNED = {
    PlanEnd.ACCEPTED: "all that are needed (stop.accepted)",
    PlanEnd.ORDERS: "all that may be issued (stop.orders)",
    PlanEnd.ASKED: "ended by `gleaner end`",
    None: "the corpus is not read to its end",
}


def _planned(summary: Summary) -> str:
    """Why there are no more orders, or that there may be."""
    return "" if summary.corpus_ended else f" · {_PLANNED[summary.plan_ended]}"


def _advice(summary: Summary) -> RenderableType | None:
    """What the first completions and verdicts showed."""
    said = [Text(advice.words, style=WARN) for advice in advice_of(summary)]
    return Group(*said) if said else None


def _failures(summary: Summary) -> RenderableType | None:
    modes = sorted(summary.modes, key=lambda count: -count.attempts)[:MODES_SHOWN]
    if not modes:
        return None
    table = columns("failed as", "attempts", first_width=20)
    table.add_column("repaired by (accepted of tried)", overflow="fold")
    for count in modes:
        table.add_row(count.mode, f"{count.attempts:,}", repaired_by(summary, count.mode, shown=REPAIRS_SHOWN))
        if count.mode == Modes.MALFORMED:
            for why in sorted(summary.malformed, key=lambda why: -why.attempts):
                table.add_row(f"  {why.reason.value}", Text(f"{why.attempts:,}", style=DIM), "")
    return table


def _strata(summary: Summary) -> RenderableType | None:
    """What came of the orders of each value that was drawn for them."""
    if not summary.strata:
        return None
    table = columns("drawn", "issued", "accepted", "dead", "not needed", first_width=20)
    variables = list(dict.fromkeys(each.variable for each in summary.strata))
    for variable in variables:
        table.add_row(Text(variable, style=DIM), "", "", "", "")
        for each in (each for each in summary.strata if each.variable == variable):
            figures = (each.issued, each.accepted, each.dead_lettered, each.not_needed)
            table.add_row(f"  {one_line(each.value, width=VALUE_WIDTH)}", *(f"{figure:,}" for figure in figures))
    return table


def _ends(summary: Summary) -> RenderableType | None:
    if not summary.ends:
        return None
    table = columns("dead-lettered for", "orders", first_width=20)
    if summary.end_words:
        table.add_column("how the errors begin", overflow="fold")
    for end in sorted(summary.ends, key=lambda end: -end.orders):
        said = [each for each in summary.end_words if each.reason is end.reason][:WORDS_SHOWN]
        words = Text("\n".join(f"{each.words or 'others'}{_times(each, end)}" for each in said))
        table.add_row(end.reason.value, f"{end.orders:,}", *([words] if summary.end_words else []))
    return table


def _times(each: EndWords, end: EndCount) -> str:
    return "" if each.orders == end.orders else f" ({each.orders:,})"


def _roles(summary: Summary) -> RenderableType | None:
    if not summary.roles:
        return None
    table = columns("model", "calls", "tokens in", "tokens out", "mean call", "summed")
    for role in sorted(summary.roles, key=lambda role: role.role in GATES):
        mean = spoken(role.seconds / role.calls) if role.calls else "–"
        about = "~" if role.estimated_tokens else ""
        table.add_row(
            role.role,
            f"{role.calls:,}",
            about + number(role.prompt_tokens),
            about + number(role.completion_tokens),
            mean,
            spoken(role.seconds),
        )
    notes = ["summed: seconds of calls side by side, not time on the clock"]
    if any(role.estimated_tokens for role in summary.roles):
        notes.append("~ the server does not count all tokens: some are estimated from the text")
    cached = [
        f"{role.role} {percent(role.cached_tokens, role.prompt_tokens)}" for role in summary.roles if role.cached_tokens
    ]
    if cached:
        notes.append(f"of the tokens in, from the engine's cache: {', '.join(cached)}")
    return Group(table, Text("\n".join(notes), style=DIM))


def _sets(overlap: GateOverlap) -> str:
    """By exactly which gates, of any number."""
    told = [
        f"{number:,} by {' and '.join(gates)}{' alone' * (len(gates) == 1)}"
        for gates, number in overlap.rejected.items()
    ]
    attempts = sum(row.attempts for row in overlap.compared)
    return f"{', '.join(told) or 'none'}, of {plural(attempts, 'attempt')}"


def _carried(summary: Summary) -> RenderableType | None:
    lines = carried_words(summary.carried)
    return facts(*lines) if lines else None


def _diversity(summary: Summary) -> RenderableType | None:
    lines = diversity_words(summary.diversity)
    return facts(*lines) if lines else None


def _overlap(summary: Summary) -> RenderableType | None:
    overlap = summary.overlap
    if overlap.sets:
        return facts(("rejections", _sets(overlap)))
    if not overlap.scored:
        return None
    told = (
        f"{overlap.only_faithfulness:,} by faithfulness alone, {overlap.only_reward:,} by reward alone, "
        f"{overlap.both:,} by both, of {plural(overlap.scored, 'attempt')}"
    )
    return facts(("rejections", told))


def _unjudged(summary: Summary) -> RenderableType | None:
    """Of each gate that judges a share of the orders alone: what it did not judge, and what it would say of that."""
    told = [
        f"{each.unjudged:,} accepted without {each.gate}, which passed {each.passed:,} of {each.judged:,} "
        f"that it judged (95%: {interval_words(each.passed, each.judged)})"
        for each in summary.sampled
    ]
    return facts(*(("unjudged", line) for line in told)) if told else None


def _cascades(summary: Summary) -> RenderableType | None:
    """Of each cascade: how many verdicts its cheap gate gave alone."""
    told = [
        f"{each.gate}: {percent(each.cheap, each.cheap + each.judge)} of {each.cheap + each.judge:,} verdicts by its "
        "cheap gate alone"
        for each in summary.cascades
    ]
    return facts(*(("cascade", line) for line in told)) if told else None


def _retrieval(summary: Summary) -> RenderableType | None:
    found = summary.retrieval
    if not found.searches:
        return None
    told = f"{percent(found.hits, found.searches)} of {found.searches:,} found the sample's own passage"
    return facts(("searches", told))


def _probes(summary: Summary) -> RenderableType | None:
    return probes_view(summary.probes)


def _credit(summary: Summary) -> RenderableType | None:
    credit = summary.credit
    if not credit.begun:
        return None
    still = f" · {credit.open:,} open" if credit.open else ""
    solutions = f"{credit.labelled:,} labelled, {credit.decided:,} of them as surely as asked{still}"
    fixed = f"{credit.per_step:.1f} a step, where a fixed number takes {FIXED}"
    rollouts = f"{credit.rollouts:,}, {percent(credit.right, credit.rollouts - credit.failed)} right · {fixed}"
    return facts(("credit", solutions), ("rollouts", rollouts))


def _next(summary: Summary, folder: Path, example: OrderId | None) -> RenderableType:
    lines = list(_commands(summary, folder, example))
    return Group(*(Text.assemble(("  ", ""), (command, "cyan"), "  ", (why, DIM)) for command, why in lines))


def _commands(summary: Summary, folder: Path, example: OrderId | None) -> Iterator[tuple[str, str]]:
    if summary.counts.outstanding or not summary.all_planned:
        yield f"gleaner run {quoted(folder / 'run.yaml')} --output {quoted(folder)}", "go on"
    report = folder / "report.html"
    if report.exists():
        yield quoted(report), "the run on one page"
    if example is not None:
        yield f"gleaner explain {quoted(folder)} {example[:12]}", "one sample's life"
    yield f"gleaner verify {quoted(folder)}", "prove it from the files"
