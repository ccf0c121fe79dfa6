"""From labelled drafts to what each judge is worth in each mode. Law: what counts is rejecting the unfaithful."""

from collections.abc import Mapping, Sequence

import numpy as np

from studies.provenance.bootstrap import Bootstrap, Estimate, Sums, auroc, estimate, ratio
from studies.provenance.findings import Difference, ModeFinding
from studies.provenance.kit import THRESHOLD
from studies.provenance.modes import MODES, Labelled
from studies.provenance.plan import JUDGES

RETRIEVED = ("bm25 by answer", "bm25 by question")
"""The searches that stand for "retrieved" in the claims; the vectors of the embedded models find next to nothing."""
CONTRASTS = (
    ("exact", "bm25 by answer"), ("exact", "bm25 by question"), ("exact", "vectors by answer"),
    ("exact", "vectors by question"), ("bm25 by answer", "none"), ("bm25 by question", "none"), ("exact", "none"),
)  # fmt: skip


def findings(
    labelled: Mapping[int, Sequence[Labelled]], bootstrap: Bootstrap
) -> tuple[list[ModeFinding], list[Difference]]:
    """Every judge in every mode, and what one mode gains over another, judge by judge."""
    drafts = [(seed, one) for seed, of_seed in labelled.items() for one in of_seed]
    found: list[ModeFinding] = []
    gains: list[Difference] = []
    for judge in JUDGES:
        sums = {mode: _sums(drafts, f"{judge}/{mode}", bootstrap) for mode in MODES}
        areas = {mode: _auroc(drafts, f"{judge}/{mode}", bootstrap) for mode in MODES}
        found += [_finding(judge, mode, drafts, sums[mode], estimate(areas[mode])) for mode in MODES]
        for more, less in CONTRASTS:
            f1 = estimate(_f1(sums[more]) - _f1(sums[less]))
            area = estimate(areas[more] - areas[less])
            gains += [Difference(f"F1, {judge} judge", more, less, f1)]
            gains += [Difference(f"AUROC, {judge} judge", more, less, area)]
    return found, gains


def _sums(drafts: Sequence[tuple[int, Labelled]], key: str, bootstrap: Bootstrap) -> Sums:
    """Drafts by truth and verdict."""

    def row(one: Labelled) -> dict[str, float]:
        rejected = one.scores[key] < THRESHOLD
        return {f"{'false' if one.faithful else 'true'} {'rejected' if rejected else 'passed'}": 1.0}

    names = ("true rejected", "false rejected", "true passed", "false passed")
    # "true": it is unfaithful, so that rejecting it is right
    return bootstrap.sums((((seed, one.passage), row(one)) for seed, one in drafts), names)


def _f1(sums: Sums) -> np.ndarray:
    caught = 2 * sums["true rejected"]
    return ratio(caught, caught + sums["false rejected"] + sums["true passed"])


def _auroc(drafts: Sequence[tuple[int, Labelled]], key: str, bootstrap: Bootstrap) -> np.ndarray:
    weights = bootstrap.drawn([(seed, one.passage) for seed, one in drafts])
    scores = np.array([one.scores[key] for _, one in drafts])
    return auroc(scores, np.array([one.faithful for _, one in drafts]), weights)


def _finding(judge: str, mode: str, drafts: Sequence[tuple[int, Labelled]], sums: Sums, area: Estimate) -> ModeFinding:
    found = [one.found[mode] for _, one in drafts if mode in one.found]
    caught = sums["true rejected"]
    return ModeFinding(
        judge=judge,
        mode=mode,
        drafts=len(drafts),
        unfaithful=sum(not one.faithful for _, one in drafts),
        found=round(sum(found) / len(found), 4) if found else None,
        precision=estimate(ratio(caught, caught + sums["false rejected"])),
        recall=estimate(ratio(caught, caught + sums["true passed"])),
        f1=estimate(_f1(sums)),
        auroc=area,
    )
