"""What a run's attempts come to, at equal tokens."""

from studies.frame.__main__ import ROOT
from studies.frame.plan import read as read_plan
from studies.provenance.judged_tallies import SOURCES, STRENGTHS, judged_tallies
from studies.provenance.modes import Labelled
from studies.provenance.plan import Plan
from studies.provenance.tallies import tallies
from studies.provenance.tries import Try

PLAN = Plan(seeds=(0,), slots=2, budget=0.5)


def attempt(number: int, slot: int, *, accepted: bool = False, true: bool = False, tokens: int = 100, **more) -> Try:
    return Try(0, slot, number, tokens, accepted, faithful=true, good=true, **more)


FIRST = [
    attempt(1, 0, accepted=True, true=True, faithfulness=0.9, reward=0.9),
    attempt(1, 1, faithfulness=0.1, reward=0.1),
    attempt(1, -1, tokens=1000, kind="contradicts_source", faithfulness=0.1, reward=0.9),
]
"""Two orders, and a bad probe, whose tokens buy no arm anything."""


def found(**arms: list[Try]) -> dict[tuple[str, str], tuple[float, float]]:
    kept = list(tallies(PLAN, "plain-t07", "3", {name: [*FIRST, *later] for name, later in arms.items()}))
    assert {(one.setting, one.unit) for one in kept} == {("plain-t07", "3")}
    return {(one.arm, one.measure): (one.part, one.whole) for one in kept}


def test_every_arm_is_divided_by_the_same_budget_spent_or_not() -> None:
    """One hundred tokens each. Rules needed forty of them, cool all, naive two hundred and so nothing in time."""
    said = found(
        discard=[attempt(1, 2, accepted=True, true=True, tokens=90)],
        rules=[attempt(2, 1, accepted=True, true=True, tokens=40)],
        cool_resample=[attempt(2, 1, tokens=50), attempt(3, 1, accepted=True, true=True, tokens=50)],
        naive_resample=[attempt(2, 1, accepted=True, true=True, tokens=200)],
    )
    assert said["rules", "true_per_1000"] == said["cool_resample", "true_per_1000"] == (1, 0.1)
    assert said["naive_resample", "true_per_1000"] == (0, 0.1)
    assert {said[name, "good_per_1000"] for name in ("rules", "cool_resample", "discard")} == {(2, 0.3)}
    assert ("discard", "true_per_1000") not in said


def test_what_was_recovered_is_told_from_what_passed_at_first() -> None:
    """A repair that passed a noisy judge and is not true counts against what was recovered alone."""
    said = found(discard=[], rules=[attempt(2, 1, accepted=True, tokens=40)])
    assert (said["rules_recovered", "true_share"], said["first_pass", "true_share"]) == ((0, 1), (1, 1))


def test_the_gates_overlap_counts_probes_and_leaves_out_what_both_pass() -> None:
    """Of three first attempts both reject one, one gate alone the probe."""
    assert found(discard=[], rules=[])["both_gates", "jaccard"] == (1, 2)


def test_a_spoilt_order_recovers_nothing() -> None:
    """A mended probe is told beside, elsewhere."""
    said = found(discard=[], rules=[attempt(2, -1, accepted=True, true=True, tokens=10)])
    assert said["rules", "true_per_1000"] == (0, 0.1)


def read(faithful: bool, *, exact: float, bm25: float, hit: bool) -> Labelled:
    """A draft that the strongest judge scores so; weaker ones, or none shown, give all the same."""
    scores = {f"{judge}/{source}": 0.5 for judge in STRENGTHS for source in SOURCES}
    scores |= {"judge_4/exact": exact, "judge_4/bm25_k3": bm25}
    return Labelled(0, faithful, None, scores, {"bm25_k3": hit})


def test_judges_are_told_by_source_by_hit_and_by_strength() -> None:
    """BM25 ranks right where it found the passage and wrong where it did not; the exact passage is right everywhere."""
    drafts = [
        read(True, exact=0.9, bm25=0.9, hit=True), read(False, exact=0.1, bm25=0.1, hit=True),
        read(True, exact=0.8, bm25=0.2, hit=False), read(False, exact=0.2, bm25=0.8, hit=False),
    ]  # fmt: skip
    said = {(one.arm, one.measure): one.part for one in judged_tallies("plain-t10", "0", drafts)}
    assert (said["exact", "auroc"], said["bm25_k3", "auroc"], said["none", "auroc"]) == (1.0, 0.75, 0.5)
    assert (said["bm25_k3", "auroc_hit"], said["bm25_k3", "auroc_miss"]) == (1.0, 0.0)
    assert (said["judge_4", "gain_over_none"], said["judge_1", "gain_over_none"]) == (0.5, 0.0)
    assert said["judge_4", "gain_over_bm25"] == 0.25


def test_what_cannot_be_ranked_is_missing_and_no_half() -> None:
    """Where every hit is true, the run has no AUROC of hits."""
    drafts = [read(True, exact=0.9, bm25=0.9, hit=True), *(read(n > 0, exact=0.5, bm25=0.5, hit=False) for n in (0, 1))]
    assert {one.measure for one in judged_tallies("plain-t10", "0", drafts)} >= {"auroc", "auroc_miss"}
    assert "auroc_hit" not in {one.measure for one in judged_tallies("plain-t10", "0", drafts)}


def test_every_tally_is_of_the_plan() -> None:
    """What the tallies name, the committed plan names: a slip here would be found only when hours were spent."""
    plan = read_plan(ROOT / "studies" / "provenance" / "plan-2.yaml")
    arms, measures = {one.name for one in (*plan.arms, *plan.controls)}, {one.name for one in plan.measures}
    drafts = [read(n > 0, exact=0.5, bm25=0.5, hit=hit) for n in (0, 1) for hit in (True, False)]
    policies: tuple[str, ...] = ("discard", "naive_resample", "cool_resample", "rules", "adaptive")
    recovery: dict[str, list[Try]] = dict.fromkeys(policies, FIRST)
    made = [*judged_tallies("plain-t10", "0", drafts), *tallies(PLAN, "plain-t07", "0", recovery)]
    assert {one.measure for one in made} <= measures
    assert {one.arm for one in made} <= arms
    asked = {(arm, c.measure) for c in plan.claims if c.units == "run" for arm in (c.arm, c.against) if arm}
    missing = asked - {(one.arm, one.measure) for one in made}
    assert missing == {("diagnoser_blind", "named_right"), ("majority", "named_right")}
