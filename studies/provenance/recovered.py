"""From the arms' attempts to what each policy recovers at the same cost. Law: every arm has the same budget of tokens
beyond the same first attempts; differences are paired by passage."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from studies.provenance.bootstrap import Bootstrap, Cluster, Sums, estimate, ratio
from studies.provenance.findings import CurvePoint, Difference, PolicyFinding
from studies.provenance.parts import Parts
from studies.provenance.plan import POLICIES, SCALES, Setting
from studies.provenance.spending import COUNTS, counts, within

BUDGETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
"""Of the curves, as shares of the first attempts' tokens."""
GAINS = (
    ("adaptive", "naive_resample"), ("rules", "naive_resample"), ("adaptive", "rules"),
    ("naive_resample", "naive_resample_same_bar"),
)  # fmt: skip


def _share(part: str, whole: str):
    return lambda sums: ratio(sums[part], sums[whole])


def _accepted(sums: Sums) -> np.ndarray:
    return ratio(sums["first accepted"] + sums["recovered"], sums["orders"])


def _good_per_1000(sums: Sums) -> np.ndarray:
    return 1000 * ratio(sums["accepted good"], sums["first tokens"] + sums["tokens"])


def _spoilt_recall(sums: Sums) -> np.ndarray:
    return 1 - ratio(sums["spoilt let through"], sums["spoilt"])


STATISTICS = {
    "yield": _accepted,
    "recovery rate": _share("recovered", "rejected"),
    "true recovery rate": _share("recovered true", "rejected"),
    "recovered per 1,000 tokens": lambda sums: 1000 * ratio(sums["recovered"], sums["tokens"]),
    "truly recovered per 1,000 tokens": lambda sums: 1000 * ratio(sums["recovered true"], sums["tokens"]),
    "good per 1,000 tokens of all": _good_per_1000,
    "first-pass faithfulness": _share("first true", "first accepted"),
    "recovered faithfulness": _share("recovered true", "recovered"),
    "spoilt recall": _spoilt_recall,
    "spoilt mended": _share("spoilt mended", "spoilt"),
}
COMPARED = tuple(name for name in STATISTICS if name != "first-pass faithfulness")
AS_RATIO = ("recovered per 1,000 tokens", "truly recovered per 1,000 tokens")


class Recovered:
    """Sums by policy and scale, at the plan's budget unless said otherwise."""

    def __init__(self, parts: Parts, bootstrap: Bootstrap) -> None:
        self._parts = parts
        self._bootstrap = bootstrap

    def sums(self, settings: Sequence[Setting], policy: str, share: float | None) -> Sums:
        """Of these settings together."""
        return self._bootstrap.sums(self._rows(settings, policy, share), COUNTS)

    def _rows(
        self, settings: Sequence[Setting], policy: str, share: float | None
    ) -> Iterator[tuple[Cluster, Mapping[str, float]]]:
        plan = self._parts.plan
        for setting in settings:
            for seed in plan.seeds:
                arm = within(plan, self._parts.tries(setting, seed, policy), share)
                for passage, row in counts(plan, arm):
                    yield (seed, passage), row


def findings(parts: Parts, bootstrap: Bootstrap) -> tuple[list[PolicyFinding], list[Difference], list[CurvePoint]]:
    """Policies by scale and altogether, what one gains over another, and curves over the budget."""
    plan, recovered = parts.plan, Recovered(parts, bootstrap)
    by_scale = {scale: [Setting(scale, plan.temperature)] for scale in SCALES}
    groups = {"all": [setting for settings in by_scale.values() for setting in settings], **by_scale}
    found: list[PolicyFinding] = []
    gains: list[Difference] = []
    for name, settings in groups.items():
        sums = {policy: recovered.sums(settings, policy, plan.budget) for policy in POLICIES}
        found += [_finding(policy, name, sums[policy]) for policy in POLICIES]
        gains += _gains(sums, name)
        everything = {policy: recovered.sums(settings, policy, None) for policy in POLICIES}
        found += [_finding(policy, f"{name}, no budget", everything[policy]) for policy in POLICIES]
        gains += _gains(everything, f"{name}, no budget")
    for other in plan.other_settings:
        name = f"{other.scale} at {other.temperature:g}"
        sums = {policy: recovered.sums([other], policy, plan.budget) for policy in ("naive_resample", "adaptive")}
        found += [_finding(policy, name, each) for policy, each in sums.items()]
        gains += _gains(sums, name)
    rate = STATISTICS["true recovery rate"]
    curves = [
        CurvePoint(policy, share, estimate(rate(recovered.sums(groups["all"], policy, share))))
        for policy in POLICIES
        if policy != "discard"
        for share in BUDGETS
    ]
    return found, gains, curves


def _gains(sums: Mapping[str, Sums], scale: str) -> list[Difference]:
    found: list[Difference] = []
    for more, less in GAINS:
        if more not in sums or less not in sums:
            continue
        for name in COMPARED:
            of_more, of_less = STATISTICS[name](sums[more]), STATISTICS[name](sums[less])
            found.append(Difference(f"{name}, {scale}", more, less, estimate(of_more - of_less)))
            if name in AS_RATIO:
                times = estimate(ratio(of_more, of_less))
                found.append(Difference(f"{name} (times), {scale}", more, less, times))
    for policy, each in sums.items():
        if policy != "discard":
            gain = STATISTICS["recovered faithfulness"](each) - STATISTICS["first-pass faithfulness"](each)
            found.append(Difference(f"faithfulness, {scale}", f"recovered by {policy}", "first-pass", estimate(gain)))
    return found


def _finding(policy: str, scale: str, sums: Sums) -> PolicyFinding:
    of = {name: estimate(statistic(sums)) for name, statistic in STATISTICS.items()}
    return PolicyFinding(
        policy=policy,
        scale=scale,
        orders=int(sums["orders"][0]),
        accepted_share=of["yield"],
        recovery_rate=of["recovery rate"],
        true_recovery_rate=of["true recovery rate"],
        recovered_per_1000=of["recovered per 1,000 tokens"],
        good_per_1000=of["good per 1,000 tokens of all"],
        first_faithful=of["first-pass faithfulness"],
        recovered_faithful=of["recovered faithfulness"],
        spoilt_recall=of["spoilt recall"],
        spoilt_mended=of["spoilt mended"],
        recovered=int(sums["recovered"][0]),
        tokens=int(sums["tokens"][0]),
    )
