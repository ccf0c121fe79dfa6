"""Rows of `rft`: a model learns from its own verified solutions, a few different ones a problem (Yuan et al. 2023,
arXiv 2308.01825; Setlur et al. 2024, arXiv 2406.14532, section 4)."""

from collections.abc import Sequence

from actors.exports.families import Family, Told
from actors.exports.preferences import Rows, sample_row
from actors.exports.wording import Exchange, ExportWording, alike, exchange
from actors.text.steps import steps
from schemas.exports import ExportFormat, ExportRequest, LeftOut
from schemas.ids import content_id

Shown = tuple[Told, Exchange]


def rft(family: Family, asked: ExportRequest, wording: ExportWording) -> Rows:
    """At most `per_problem` of the family's verified solutions, as different from each other as possible."""
    right = right_solutions(family, asked, wording)
    yield from [LeftOut.NOT_ACCEPTED] * sum(child.accepted is None for child in family.children)
    distinct = {each[1].answer: each for each in reversed(right)}
    yield from [LeftOut.REPEATED] * (len(right) - len(distinct))
    firsts = [each for each in right if distinct[each[1].answer] is each]
    chosen = different([shown.completion for _, shown in firsts], asked.per_problem, seed=asked.seed)
    yield from [LeftOut.LIKE_OTHERS] * (len(firsts) - len(chosen))
    for told, shown in (firsts[index] for index in chosen):
        yield sample_row(ExportFormat.RFT, told, shown, asked)


def right_solutions(family: Family, asked: ExportRequest, wording: ExportWording) -> list[Shown]:
    """A family's accepted solutions, in the order of its orders."""
    found = ((child.accepted, child) for child in family.children)
    shown = ((told, exchange(told, child, asked, wording)) for told, child in found if told is not None)
    return [(told, each) for told, each in shown if each is not None]


def different(solutions: Sequence[str], at_most: int, *, seed: int) -> list[int]:
    """Indices of the solutions that differ most, ascending. The first is chosen by a hash, then always the one farthest
    from all chosen ones."""
    parts = [frozenset(alike(step.text) for step in steps(solution)) for solution in solutions]
    lots = [content_id("different", seed, solution) for solution in solutions]
    chosen: list[int] = []
    nearest = [1.0] * len(solutions)
    while len(chosen) < min(at_most, len(solutions)):
        free = (index for index in range(len(solutions)) if index not in chosen)
        best = max(free, key=lambda index: (nearest[index], lots[index]))
        chosen.append(best)
        nearest = [min(was, _distance(parts[best], part)) for was, part in zip(nearest, parts, strict=True)]
    return sorted(chosen)


def _distance(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of all steps that only one solution has, in [0, 1] (Jaccard distance)."""
    return 1 - len(one & other) / len(one | other) if one | other else 0.0
