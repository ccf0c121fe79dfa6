"""What injected samples were diagnosed as: one row for each kind, one column for each mode that was predicted."""

from collections.abc import Sequence

from msgspec import Struct

from actors.counts.rates import share
from actors.report.intervals import interval_words
from actors.report.words import percent, spoken
from schemas.progress import DiagnosisCount


class ConfusionCell(Struct, frozen=True):
    """How many of the kind were diagnosed as the column's mode."""

    attempts: int
    right: bool


class ConfusionRow(Struct, frozen=True):
    """One kind; `rate` of its diagnoses that are right."""

    kind: str
    cells: tuple[ConfusionCell, ...]
    rate: str


class Confusion(Struct, frozen=True):
    """The whole matrix, and the share of all diagnoses that are right."""

    modes: tuple[str, ...]
    rows: tuple[ConfusionRow, ...]
    rate: str
    interval: str


def confusion_of(counts: Sequence[DiagnosisCount]) -> Confusion | None:
    """None when no injected sample was diagnosed."""
    if not counts:
        return None
    modes = list(dict.fromkeys(each.mode for each in sorted(counts, key=lambda each: each.mode)))
    rows: list[ConfusionRow] = []
    for kind in dict.fromkeys(each.kind for each in counts):
        found = {each.mode: each for each in counts if each.kind is kind}
        cells = tuple(
            ConfusionCell(found[mode].attempts, found[mode].right) if mode in found else ConfusionCell(0, right=False)
            for mode in modes
        )
        right = sum(cell.attempts for cell in cells if cell.right)
        rate = percent(share(right, sum(cell.attempts for cell in cells)))
        rows.append(ConfusionRow(spoken(kind.value), cells, rate))
    right, all_ = sum(each.attempts for each in counts if each.right), sum(each.attempts for each in counts)
    names = tuple(spoken(mode) for mode in modes)
    return Confusion(names, tuple(rows), percent(share(right, all_)), interval_words(right, all_))
