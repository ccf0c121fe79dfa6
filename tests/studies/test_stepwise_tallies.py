"""What a base's exam, restarts and first pits come to."""

from studies.arithmetic.world import HARD, problems
from studies.frame.__main__ import ROOT
from studies.frame.plan import read
from studies.stepwise import restarts
from studies.stepwise.credit_cost import Replay
from studies.stepwise.lab import Marks, Solution
from studies.stepwise.restarts import Spent
from studies.stepwise.tallies import of_errors, of_pits, of_restarts

PLAN = read(ROOT / "studies" / "stepwise" / "plan-2.yaml")
NAMES = {one.name for one in (*PLAN.arms, *PLAN.controls)}


def replay(*values: float) -> Replay:
    """A wrong solution whose prefixes come right at exactly these rates, in truth and in draws."""
    text = "\n".join(f"Ada = {n}" for n in range(len(values))) + "\n#### 1"
    one = Solution(problems(HARD, 1, seed="replay")[0], (), text, ended=True, right=False)
    return Replay(one, values, tuple(tuple(n % 10 < round(10 * value) for n in range(64)) for value in values))


def test_an_exam_is_counted_in_problems_and_spurious_steps_in_what_was_solved() -> None:
    """Four problems, one wrong by the likeliest solution; two solved by the sampled one, one of these spuriously."""
    said = {one.measure: (one.part, one.whole) for one in of_errors("harms", "3", {"rft": Marks("1000", "1100", 0.5)})}
    assert said == {"error": (1, 4), "sampled_error": (2, 4), "spurious_rate": (1, 2)}


def test_first_pits_are_counted_by_what_was_found_and_paid() -> None:
    """Both find a clear pit, the baseline with sixteen rollouts of each prefix up to it."""
    said = {(one.arm, one.measure): one for one in of_pits("clean", "0", [replay(0.9, 0.0, 0.0, 0.0)] * 2)}
    assert said["pits_early_exit", "agreement"].part == said["pits_product", "agreement"].part == 2
    assert said["pits_early_exit", "rollouts"].part == 2 * 32
    assert 0 < said["pits_product", "rollouts"].part < said["pits_early_exit", "rollouts"].part


def test_every_tally_is_of_the_plan() -> None:
    """A slip between code and plan would be found only when hours were spent."""
    ways = (restarts.FREE, restarts.NET, restarts.RANDOM, restarts.SCRATCH)
    made = [
        *of_errors("harms", "0", {arm: Marks("10", "10", 0.0) for arm in NAMES}),
        *of_restarts("harms", "0", dict.fromkeys(ways, Spent(1, 500))),
        *of_pits("harms", "0", [replay(0.5)]),
    ]
    found = {(one.arm, one.measure) for one in made}
    assert {arm for arm, _ in found} <= NAMES and {name for _, name in found} == {one.name for one in PLAN.measures}
    asked = {(arm, claim.measure) for claim in PLAN.claims for arm in (claim.arm, claim.against) if arm}
    assert asked <= found
    assert [one.whole for one in made if one.measure == "recovered_per_1000"] == [0.5] * 4
