"""From first attempts to how the two gates' rejections overlap, what each alone catches, and what was diagnosed.

Law: first attempts only, each shown to both gates; what does not parse is shown to neither.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from actors.counts.probes import EXPECTED
from schemas.flaws import FlawKind
from studies.provenance.bootstrap import Bootstrap, Cluster, Estimate, estimate, ratio
from studies.provenance.findings import Caught, Confusion, Overlap
from studies.provenance.kit import THRESHOLD
from studies.provenance.tries import Try

Firsts = Sequence[tuple[int, Try]]
"""First attempts with their seeds."""
WHO = ("both", "faithfulness only", "reward only", "neither")


def who(one: Try, threshold: float = THRESHOLD) -> str:
    """Which gates reject it. `threshold`: the judge's."""
    assert one.faithfulness is not None and one.reward is not None
    match one.faithfulness < threshold, one.reward < THRESHOLD:
        case True, True:
            return "both"
        case True, False:
            return "faithfulness only"
        case False, True:
            return "reward only"
        case _:
            return "neither"


def overlaps(firsts: Mapping[str, Firsts], bootstrap: Bootstrap) -> list[Overlap]:
    """Of all samples together, of those nobody spoilt, and by scale."""
    every = [one for of_scale in firsts.values() for one in of_scale]
    groups: dict[str, Firsts] = {
        "all": every,
        "not spoilt": [(seed, one) for seed, one in every if one.kind is None],
        "spoilt": [(seed, one) for seed, one in every if one.kind is not None],
    }
    groups |= {f"{scale} generator": of_scale for scale, of_scale in firsts.items()}
    return [_overlap(name, group, bootstrap) for name, group in groups.items()]


def _overlap(name: str, firsts: Firsts, bootstrap: Bootstrap) -> Overlap:
    shown = [(seed, one) for seed, one in firsts if one.faithfulness is not None and one.reward is not None]
    sums = bootstrap.sums((((seed, one.passage), {who(one): 1.0}) for seed, one in shown), WHO)
    both, faithfulness, reward = (sums[key] for key in WHO[:3])
    jaccard = estimate(ratio(both, both + faithfulness + reward))
    return Overlap(name, len(shown), int(both[0]), int(faithfulness[0]), int(reward[0]), jaccard)


def caught(firsts: Iterable[tuple[int, Try]], threshold: float = THRESHOLD) -> list[Caught]:
    """Verified flaws by kind, and drafts that the generator itself got wrong in fact or in wording."""
    shown = [one for _, one in firsts if one.faithfulness is not None and one.reward is not None]
    groups: dict[str, Callable[[Try], bool]] = {
        kind.value: (lambda one, kind=kind: one.kind == kind.value and one.verified) for kind in FlawKind
    }
    groups["own: wrong fact"] = lambda one: one.kind is None and one.faithful is False
    groups["own: no wrong fact, but poor"] = lambda one: one.kind is None and one.faithful is not False and not one.good
    found: list[Caught] = []
    for name, belongs in groups.items():
        counted = Counter(who(one, threshold) for one in shown if belongs(one))
        found.append(Caught(name, sum(counted.values()), *(counted[key] for key in WHO)))
    return found


def confusion(firsts: Firsts, bootstrap: Bootstrap) -> tuple[list[Confusion], Estimate]:
    """Verified flaws that a gate rejected: what they were diagnosed as, and the share that is right."""
    seen = [(seed, one) for seed, one in firsts if one.verified and one.mode is not None]
    found: list[Confusion] = []
    for kind in FlawKind:
        modes = Counter(one.mode for _, one in seen if one.kind == kind.value and one.mode is not None)
        right = sum(count for mode, count in modes.items() if mode in EXPECTED[kind])
        if modes:
            found.append(Confusion(kind.value, dict(modes.most_common()), right, sum(modes.values())))

    def row(seed: int, one: Try) -> tuple[Cluster, dict[str, float]]:
        right = one.mode in EXPECTED[FlawKind(one.kind)]
        return (seed, one.passage), {"right": float(right), "all": 1.0}

    sums = bootstrap.sums((row(seed, one) for seed, one in seen), ("right", "all"))
    return found, estimate(ratio(sums["right"], sums["all"]))
