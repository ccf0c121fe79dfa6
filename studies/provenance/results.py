"""From all parts to results.json: every finding, and each claim of the study held against what came out.

Law: a claim is met only as it was asked before the run; nothing here looks for a threshold that fits.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import structs

from studies.provenance import judged, recovered, rejected
from studies.provenance.bootstrap import Bootstrap, Counted, Estimate, estimate, ratio
from studies.provenance.findings import Claim, Difference, Overlap, Results, StudentFinding
from studies.provenance.lessons import ARMS, Report, report_name
from studies.provenance.parts import Parts
from studies.provenance.plan import POLICIES, SCALES, Setting

STUDENT_GAINS = (
    ("filtered", "unfiltered"), ("filtered, more fresh", "filtered"), ("naive_resample", "filtered, more fresh"),
    ("adaptive", "filtered, more fresh"), ("adaptive", "naive_resample"), ("adaptive", "unfiltered"),
)  # fmt: skip


SCALE_GAINS = (("middle", "small"), ("large", "middle"), ("large", "small"))


def results(parts: Parts) -> Results:
    """Everything that the parts say."""
    plan = parts.plan
    clusters = [(seed, passage) for seed in plan.seeds for passage in range(plan.passages)]
    bootstrap = Bootstrap(clusters, resamples=plan.resamples)
    modes, mode_gains = judged.findings({seed: parts.labelled(seed) for seed in plan.seeds}, bootstrap)
    firsts = {scale: _firsts(parts, scale) for scale in SCALES}
    every = [one for of_scale in firsts.values() for one in of_scale]
    overlaps = rejected.overlaps(firsts, bootstrap)
    policies, policy_gains, curves = recovered.findings(parts, bootstrap)
    confusion, right = rejected.confusion(every, bootstrap)
    students, student_gains = _students(parts, bootstrap)
    others = [f"{one.scale} at {one.temperature:g}" for one in plan.other_settings]
    return Results(
        plan=structs.asdict(plan),
        claims=claims(mode_gains, overlaps, policy_gains, right),
        besides=besides(policy_gains, student_gains, others),
        modes=modes,
        mode_gains=mode_gains,
        overlaps=overlaps,
        caught=rejected.caught(every),
        policies=policies,
        policy_gains=policy_gains,
        curves=curves,
        confusion=confusion,
        diagnosed_right=right,
        students=students,
        student_gains=student_gains,
    )


def _firsts(parts: Parts, scale: str) -> rejected.Firsts:
    """First attempts of the planned orders: the same in every arm."""
    setting, plan = Setting(scale, parts.plan.temperature), parts.plan
    return [
        (seed, one)
        for seed in plan.seeds
        for one in parts.tries(setting, seed, POLICIES[0])
        if one.attempt == 1 and one.slot < plan.slots
    ]


def _students(parts: Parts, bootstrap: Bootstrap) -> tuple[list[StudentFinding], list[Difference]]:
    found: list[StudentFinding] = []
    shares: dict[tuple[str, str], np.ndarray] = {}
    for arm in ARMS:
        together: list[Counted] = []
        for scale in SCALES:
            report = parts.get(report_name(scale, arm), Report)
            rows = [(one.told, {"right": one.right, "asked": report.students}) for one in report.marked]
            shares[(arm, scale)] = _right(rows, bootstrap)
            found.append(StudentFinding(arm, scale, report.lessons, estimate(shares[(arm, scale)])))
            together += rows
        shares[(arm, "all")] = _right(together, bootstrap)
    gains = [
        Difference(f"right answers, {scale}", more, less, estimate(shares[(more, scale)] - shares[(less, scale)]))
        for more, less in STUDENT_GAINS
        for scale in ("all", *SCALES)
    ]
    for arm in ("unfiltered", "filtered", "adaptive"):
        for more, less in SCALE_GAINS:
            gain = estimate(shares[(arm, more)] - shares[(arm, less)])
            gains.append(Difference(f"right answers, {arm}", f"{more} generator", f"{less} generator", gain))
    return found, gains


def _right(rows: Sequence[Counted], bootstrap: Bootstrap) -> np.ndarray:
    sums = bootstrap.sums(rows, ("right", "asked"))
    return ratio(sums["right"], sums["asked"])


def claims(
    mode_gains: Sequence[Difference],
    overlaps: Sequence[Overlap],
    policy_gains: Sequence[Difference],
    right: Estimate,
) -> list[Claim]:
    """The targets, one by one."""
    found: list[Claim] = []
    for more, less in judged.CONTRASTS:
        if more in judged.RETRIEVED or less in judged.RETRIEVED:
            gain = _gain(mode_gains, "F1, strong judge", more, less)
            found.append(_above_zero(f"strong judge, F1: {more} over {less}", gain))
    found.append(_at_most("Jaccard of the two gates' rejections", overlaps[0].jaccard, 0.3))
    pair = ("adaptive", "naive_resample")
    found += [
        _above_zero(f"{what}: adaptive over naive resampling", _gain(policy_gains, f"{what}, all", *pair))
        for what in ("yield", "recovery rate")
    ]
    times = _gain(policy_gains, "recovered per 1,000 tokens (times), all", *pair)
    found.append(_at_least("recovered per 1,000 tokens: adaptive in terms of naive resampling", times, 1.3))
    found.append(_at_least("failure mode of verified flaws predicted right", right, 0.7))
    faith = _gain(policy_gains, "faithfulness, all", "recovered by adaptive", "first-pass")
    found.append(
        _at_least("true faithfulness of what adaptive recovered, less that of first-pass samples", faith, -0.01)
    )
    return found


def besides(
    policy_gains: Sequence[Difference], student_gains: Sequence[Difference], settings: Sequence[str]
) -> list[Claim]:
    """What the paper says and no target was set for, and what `adaptive` must beat to be worth its trouble."""
    pair = ("adaptive", "naive_resample")
    found = [
        _above_zero(f"spoilt recall: adaptive over naive resampling, {within}", _gain(policy_gains, what, *pair))
        for within, what in (
            ("within the budget", "spoilt recall, all"),
            ("without one", "spoilt recall, all, no budget"),
        )
    ]
    found.append(_above_zero("yield: adaptive over rules", _gain(policy_gains, "yield, all", "adaptive", "rules")))
    for name in settings:
        times = _gain(policy_gains, f"recovered per 1,000 tokens (times), {name}", *pair)
        claim = f"recovered per 1,000 tokens, {name}: adaptive in terms of naive resampling"
        found.append(_at_least(claim, times, 1.3))
    for what, more, less in (
        ("unfiltered", "large generator", "small generator"), ("all", "filtered", "unfiltered"),
        ("all", "adaptive", "unfiltered"), ("all", "adaptive", "naive_resample"),
    ):  # fmt: skip
        gain = _gain(student_gains, f"right answers, {what}", more, less)
        found.append(_above_zero(f"students: {more} over {less}".replace("_resample", " resampling"), gain))
    return found


def _above_zero(claim: str, gain: Estimate) -> Claim:
    return Claim(claim, "interval above 0", words(gain), met=gain.low > 0, sure=gain.low > 0)


def _at_least(claim: str, found: Estimate, target: float) -> Claim:
    return Claim(claim, f"at least {target:g}", words(found), met=found.value >= target, sure=found.low >= target)


def _at_most(claim: str, found: Estimate, target: float) -> Claim:
    return Claim(claim, f"at most {target:g}", words(found), met=found.value <= target, sure=found.high <= target)


def words(found: Estimate) -> str:
    """A figure with its interval."""
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _gain(gains: Sequence[Difference], what: str, more: str, less: str) -> Estimate:
    return next(one.gain for one in gains if (one.what, one.more, one.less) == (what, more, less))
