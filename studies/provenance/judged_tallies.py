"""From a run's labelled drafts, as four judges scored them with every source, to the tallies of plan 2.

Law: an AUROC is of one run's drafts, and a run is a unit; where all drafts of a part are true, or none is, it has no
AUROC and the unit is missing. Hits and misses are BM25's three for all sources, so that the drafts are the same.
"""

from collections.abc import Iterator, Sequence

from studies.almanac.exam import auroc
from studies.frame.statistics import Tally
from studies.provenance.modes import Labelled

SOURCES = ("exact", "bm25_k1", "bm25_k3", "minilm_k1", "minilm_k3", "none")
STRENGTHS = ("judge_1", "judge_2", "judge_3", "judge_4")
STRONGEST = STRENGTHS[-1]
SEARCH = "bm25_k3"


def judged_tallies(setting: str, unit: str, drafts: Sequence[Labelled]) -> Iterator[Tally]:
    """Of one run. `drafts`: scores by `judge/source`, and what each search found."""
    parts = {
        "auroc": (SOURCES, drafts),
        "auroc_hit": (("exact", SEARCH), [one for one in drafts if one.found[SEARCH]]),
        "auroc_miss": (("exact", SEARCH), [one for one in drafts if not one.found[SEARCH]]),
    }
    for measure, (sources, part) in parts.items():
        if _both_kinds(part):
            yield from (Tally(setting, one, measure, unit, ranked(part, STRONGEST, one), 1) for one in sources)
    if _both_kinds(drafts):
        for judge in STRENGTHS:
            exact = ranked(drafts, judge, "exact")
            yield Tally(setting, judge, "gain_over_none", unit, exact - ranked(drafts, judge, "none"), 1)
            yield Tally(setting, judge, "gain_over_bm25", unit, exact - ranked(drafts, judge, SEARCH), 1)


def ranked(drafts: Sequence[Labelled], judge: str, source: str) -> float:
    """How well the judge ranks true drafts above the others with that source: the AUROC."""
    return auroc([one.scores[f"{judge}/{source}"] for one in drafts], [one.faithful for one in drafts])


def _both_kinds(drafts: Sequence[Labelled]) -> bool:
    return {one.faithful for one in drafts} == {True, False}
