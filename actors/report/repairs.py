"""Failure modes and what repaired them, with how sure one can be of each rate."""

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

from actors.counts.rates import share, wilson
from actors.report.svg import figure, line, tag, title
from actors.report.words import percent, spoken
from schemas.progress import RepairStat, Summary
from schemas.recovery import Modes

WIDTH, HEIGHT = 150.0, 18.0


class RepairRow(Struct, frozen=True):
    """A repair after a diagnosis: how often its attempt was accepted."""

    repair: str
    tried: int
    accepted: int
    rate: str
    interval: str
    picture: Markup


class DefectRow(Struct, frozen=True):
    """What completions lacked that were no draft; `width` of its bar as in `ModeRow`."""

    defect: str
    attempts: int
    share: str
    """Of all diagnosed attempts."""
    width: float


class ModeRow(Struct, frozen=True):
    """A failure mode: how many rejected attempts were diagnosed as it, and the repairs tried after it."""

    mode: str
    attempts: int
    share: str
    width: float
    """Of its bar, in percent of the most frequent mode's."""
    repairs: tuple[RepairRow, ...]
    defects: tuple[DefectRow, ...] = ()
    """Of the mode `malformed`, the most frequent first; attempts recorded before reasons were are in none."""


def mode_rows(summary: Summary) -> list[ModeRow]:
    """The most frequent mode first."""
    total = sum(mode.attempts for mode in summary.modes)
    most = max((mode.attempts for mode in summary.modes), default=0)
    return [
        ModeRow(
            mode=spoken(mode.mode),
            attempts=mode.attempts,
            share=percent(share(mode.attempts, total)),
            width=100 * mode.attempts / most,
            repairs=tuple(_rows([stat for stat in summary.repairs if stat.mode == mode.mode])),
            defects=_defects(summary, total, most) if mode.mode == Modes.MALFORMED else (),
        )
        for mode in sorted(summary.modes, key=lambda mode: (-mode.attempts, mode.mode))
    ]


def _defects(summary: Summary, total: int, most: int) -> tuple[DefectRow, ...]:
    return tuple(
        DefectRow(
            defect=spoken(why.reason.value),
            attempts=why.attempts,
            share=percent(share(why.attempts, total)),
            width=100 * why.attempts / most,
        )
        for why in sorted(summary.malformed, key=lambda why: (-why.attempts, why.reason.value))
    )


def _rows(stats: Sequence[RepairStat]) -> list[RepairRow]:
    return [
        RepairRow(
            repair=spoken(stat.repair),
            tried=stat.tried,
            accepted=stat.accepted,
            rate=percent(share(stat.accepted, stat.tried)),
            interval=interval_words(stat.accepted, stat.tried),
            picture=interval_figure(stat.accepted, stat.tried),
        )
        for stat in sorted(stats, key=lambda stat: (-stat.tried, stat.repair))
    ]


def interval_words(successes: int, trials: int) -> str:
    """The 95% interval in whole percents."""
    found = wilson(successes, trials)
    return "–" if found is None else f"{100 * found[0]:.0f}–{100 * found[1]:.0f}%"


def interval_figure(successes: int, trials: int) -> Markup:
    """A dot at the rate, a line over the interval, from 0 to 100%."""
    found = wilson(successes, trials)
    middle, span = HEIGHT / 2, WIDTH - 10
    parts = [line(5, middle, WIDTH - 5, middle, class_="grid")]
    parts += [line(5 + span * at, middle - 4, 5 + span * at, middle + 4, class_="grid") for at in (0, 0.5, 1)]
    if found is not None:
        low, high = found
        parts.append(line(5 + span * low, middle, 5 + span * high, middle, class_="whisker"))
        words = f"{successes} of {trials}: {interval_words(successes, trials)}"
        parts.append(tag("circle", title(words), cx=5 + span * successes / trials, cy=middle, r=4, class_="dot"))
    return figure(WIDTH, HEIGHT, parts, label=interval_words(successes, trials), class_="interval")
