"""Rows of `rft` and `dpo_whole`: whole solutions whose final answers were verified, or were not.

`rft`: a model learns from its own verified solutions, of each problem few that differ (Yuan et al. 2023, arXiv
2308.01825; Setlur et al. 2024, arXiv 2406.14532, section 4). `dpo_whole`: one response over another without looking at
steps, which section 5 of the latter found no better than SFT: the arm to compare with.
"""

from collections.abc import Sequence

from actors.dataset.exports.families import Family, Told
from actors.dataset.exports.faults import why_no_negative
from actors.dataset.exports.preferences import Rows, pair_row, sample_row
from actors.dataset.exports.wording import Exchange, Wording, alike, exchange
from actors.steps import steps
from schemas.exports import Asked, ExportFormat, LeftOut
from schemas.ids import content_id

Shown = tuple[Told, Exchange]


def rft(family: Family, asked: Asked, wording: Wording) -> Rows:
    """Of the family's verified solutions at most `per_problem`, each as different from the others as can be."""
    right = right_solutions(family, asked, wording)
    yield from [LeftOut.NOT_ACCEPTED] * sum(child.accepted is None for child in family.children)
    distinct = {each[1].answer: each for each in reversed(right)}
    yield from [LeftOut.REPEATED] * (len(right) - len(distinct))
    firsts = [each for each in right if distinct[each[1].answer] is each]
    chosen = different([shown.completion for _, shown in firsts], asked.per_problem, seed=asked.seed)
    yield from [LeftOut.LIKE_OTHERS] * (len(firsts) - len(chosen))
    for told, shown in (firsts[index] for index in chosen):
        yield sample_row(ExportFormat.RFT, told, shown, asked)


def dpo_whole(family: Family, asked: Asked, wording: Wording) -> Rows:
    """Each wrong solution once, under the verified one of its own order, else under one of the problem's by lot."""
    right = right_solutions(family, asked, wording)
    accepted = {shown.answer for _, shown in right}
    seen: set[str] = set()
    for child in family.children:
        own = [each for each in right if each[0].life is child.life]
        for told in child.rejected:
            why = why_no_negative(told, asked.view)
            shown = exchange(told, child, asked, wording)
            if why is not None or shown is None:
                yield why or LeftOut.OTHER_REQUEST
            elif not right:
                yield LeftOut.NO_RIGHT_SOLUTION
            elif shown.answer in accepted or shown.answer in seen:
                yield LeftOut.SAME_TEXT if shown.answer in accepted else LeftOut.REPEATED
            else:
                seen.add(shown.answer)
                lots = sorted(own or right, key=lambda each: content_id(asked.seed, told.key, each[0].key))
                yield pair_row(ExportFormat.DPO_WHOLE, lots[0], (told, shown), asked)


def right_solutions(family: Family, asked: Asked, wording: Wording) -> list[Shown]:
    """What was accepted in a family, in the order of its orders."""
    found = ((child.accepted, child) for child in family.children)
    shown = ((told, exchange(told, child, asked, wording)) for told, child in found if told is not None)
    return [(told, each) for told, each in shown if each is not None]


def different(solutions: Sequence[str], at_most: int, *, seed: int) -> list[int]:
    """Indices of solutions that differ most, ascending: one by lot, then always the one farthest from all chosen."""
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
    """Share of the steps of both that only one has, in [0, 1] (Jaccard)."""
    return 1 - len(one & other) / len(one | other) if one | other else 0.0
