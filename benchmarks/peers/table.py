"""The tables of docs/peers.md, from the lines of results. Each figure is the median of the repeats, behind it the
smallest and the largest."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from benchmarks.peers.part import Measured
from benchmarks.peers.plan import ARMS, CURATORKIT, GLEANER, SETTINGS, TUNED, Setting

BUSY, CALLS, TOKENS = 0.95, 4.0, 1750.0
TIMES = {200: 1.3, 2000: 1.5}
"""By passages: how many times CuratorKIT's distinct true samples a second of wall Gleaner is to make."""

Figure = Callable[[Measured], float]


def true_rate(measured: Measured) -> float:
    """Distinct true samples for each second of wall."""
    assert measured.took is not None and measured.kept is not None
    return measured.kept.true / measured.took.wall_s


def _took(figure: Callable[..., float]) -> Figure:
    return lambda measured: figure(measured.took)


def _load(figure: Callable[..., float]) -> Figure:
    return lambda measured: figure(measured.load)


def _each(figure: Callable[..., float]) -> Figure:
    """For each distinct accepted sample."""
    return lambda measured: figure(measured.load) / measured.kept.distinct if measured.kept.distinct else 0.0  # type: ignore[union-attr]


COLUMNS: tuple[tuple[str, Figure, str], ...] = (
    ("wall s", _took(lambda took: took.wall_s), ".1f"),
    ("window s", _load(lambda load: load.window_s), ".1f"),
    ("busy slots", _load(lambda load: load.busy), ".2f"),
    ("first row s", _took(lambda took: took.first_s or 0.0), ".1f"),
    ("CPU s", _took(lambda took: took.cpu_s), ".0f"),
    ("server's CPU s", lambda measured: measured.server_cpu_s, ".0f"),
    ("memory MiB", _took(lambda took: took.memory_mib), ",.0f"),
    ("distinct", lambda measured: measured.kept.distinct, ",.0f"),  # type: ignore[union-attr]
    ("true", lambda measured: measured.kept.true / max(1, measured.kept.distinct), ".1%"),  # type: ignore[union-attr]
    ("calls each", _each(lambda load: load.calls), ".2f"),
    ("tokens each", _each(lambda load: load.tokens), ",.0f"),
    ("true/s of wall", true_rate, ".1f"),
)
"""The table's columns: name, figure and its form."""


def tables(results: Sequence[Measured]) -> str:
    """The tables of every setting of which there is a line, the goals, and the kills."""
    scaled = {each.faster for each in results} - {1.0}
    warning = [f"**A time scale of {', '.join(map(str, scaled))}: a test, no figures.**"] if scaled else []
    names = dict.fromkeys(each.part.split("/")[0] for each in results)
    settings = [setting for setting in SETTINGS if setting.name in names]
    others = [name for name in names if name not in {setting.name for setting in settings}]
    each = [table(name, results) for name in (*(setting.name for setting in settings), *others)]
    return "\n\n".join([*warning, *each, goals(settings, results), kills(results)])


def table(name: str, results: Iterable[Measured]) -> str:
    """The table of one setting: a line for each arm, and why an arm has no figures."""
    head = f"### {name}\n\n| system | {' | '.join(column for column, _, _ in COLUMNS)} | runs |"
    rows = [head, f"|{' --- |' * (len(COLUMNS) + 2)}"]
    for arm in ARMS:
        found = _of(name, arm, results)
        if measured := [each for each in found if not each.why]:
            cells = [_cell([figure(each) for each in measured], form) for _, figure, form in COLUMNS]
            rows.append(f"| {arm} | {' | '.join(cells)} | {len(measured)} |")
        rows += [f"| {arm} | {why} |{' |' * len(COLUMNS)}" for why in dict.fromkeys(e.why for e in found if e.why)]
    return "\n".join(rows)


def goals(settings: Iterable[Setting], results: Sequence[Measured]) -> str:
    """Each goal beside what came, for both forms of Gleaner."""
    rows = ["### Goals\n\n| setting | system | goal | came | reached |", "| --- | --- | --- | --- | --- |"]
    for setting in settings:
        theirs = _whole(setting.name, CURATORKIT, results)
        for arm in (GLEANER, TUNED):
            if not (ours := _whole(setting.name, arm, results)):
                continue
            checks: list[tuple[str, float, bool]] = []
            if theirs and (times := TIMES.get(setting.passages)):
                came = median(map(true_rate, ours)) / median(map(true_rate, theirs))
                checks.append((f"true/s of wall against CuratorKIT ≥ {times}", came, came >= times))
            for words, column, reached in (
                (f"busy slots ≥ {BUSY}", "busy slots", lambda came: came >= BUSY),
                (f"calls each ≤ {CALLS}", "calls each", lambda came: came <= CALLS),
                (f"tokens each ≤ {TOKENS:,.0f}", "tokens each", lambda came: came <= TOKENS),
            ):
                came = median(_figure(column)(each) for each in ours)
                checks.append((words, came, reached(came)))
            rows += [
                f"| {setting.name} | {arm} | {words} | {came:,.2f} | {'yes' if reached else '**no**'} |"
                for words, came, reached in checks
            ]
    return "\n".join(rows)


def kills(results: Iterable[Measured]) -> str:
    """Calls paid again after a kill half way."""
    rows = [
        "### Killed half way\n\n| part | calls before | calls paid again | the same of a whole run | distinct | true | "
        "calls in all | wall of the second command s |",
        f"|{' --- |' * 8}",
    ]
    for each in results:
        killed, load, kept = each.killed, each.load, each.kept
        if killed is not None and load is not None and kept is not None:
            cells = (killed.before, killed.again, killed.usual, kept.distinct, kept.true, load.calls)
            numbers = " | ".join(f"{cell:,}" for cell in cells)
            rows.append(f"| {each.part} | {numbers} | {killed.took.wall_s:.1f} |")
        elif each.why and "/kill-" in each.part:
            rows.append(f"| {each.part} | {each.why} |{' |' * 6}")
    return "\n".join(rows)


def line(measured: Measured) -> str:
    """A part in one line, while parts run."""
    if measured.why:
        return f"{measured.part}: {measured.why}"
    cells = ", ".join(f"{name} {figure(measured):{form}}" for name, figure, form in COLUMNS)
    killed = measured.killed
    return f"{measured.part}: {cells}" + ("" if killed is None else f", paid again {killed.again} ({killed.usual})")


def _figure(name: str) -> Figure:
    return next(figure for column, figure, _ in COLUMNS if column == name)


def _of(name: str, arm: str, results: Iterable[Measured]) -> list[Measured]:
    return [each for each in results if each.part.startswith(f"{name}/{arm}/run-")]


def _whole(name: str, arm: str, results: Iterable[Measured]) -> list[Measured]:
    return [each for each in _of(name, arm, results) if not each.why]


def _cell(figures: Sequence[float], form: str) -> str:
    middle = format(median(figures), form)
    if len(figures) == 1 or min(figures) == max(figures):
        return middle
    return f"{middle} ({min(figures):{form}}–{max(figures):{form}})"
