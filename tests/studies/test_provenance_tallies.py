"""What a run's attempts come to, at equal tokens."""

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
