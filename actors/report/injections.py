"""What the gates caught of samples made bad on purpose, with how sure one can be of each recall."""

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

from actors.counts.rates import share
from actors.report.intervals import interval_figure, interval_words
from actors.report.words import count, percent, spoken
from schemas.progress import InjectionCount


class InjectionRow(Struct, frozen=True):
    """One kind of injection, as the page shows it."""

    kind: str
    injected: int
    caught: int
    by: str
    """Which gates caught how many; one sample may be caught by several."""
    missed: int
    recall: str
    interval: str
    picture: Markup
    unverified: int
    rest: str
    """What turned out good or could not be judged, in words."""
    repaired: int
    repaired_bad: int


def injection_rows(counts: Sequence[InjectionCount]) -> list[InjectionRow]:
    """One row a kind."""
    return [
        InjectionRow(
            kind=spoken(each.kind.value),
            injected=each.injected,
            caught=each.caught,
            by=", ".join(f"{spoken(found.gate)} {count(found.caught)}" for found in each.by_gate),
            missed=each.missed,
            recall=percent(share(each.caught, each.caught + each.missed)),
            interval=interval_words(each.caught, each.caught + each.missed),
            picture=interval_figure(each.caught, each.caught + each.missed),
            unverified=each.unverified,
            rest=_rest(each),
            repaired=each.repaired,
            repaired_bad=each.repaired_bad,
        )
        for each in counts
    ]


def _rest(each: InjectionCount) -> str:
    parts = ((each.harmless, "turned out good"), (each.errored, "not judged"))
    return ", ".join(f"{count(number)} {what}" for number, what in parts if number)
