"""Plan 2's parts: one grid, equal steps and tokens, a test set that is looked at when all nets stand."""

import random
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from actors.credit.plan import CreditPlan, RolloutOwner
from schemas.config_credit import Credit
from schemas.credit import PolicyVersion
from studies.arithmetic.teacher import CLEAN
from studies.arithmetic.world import BEYOND, problems
from studies.frame.__main__ import ROOT
from studies.frame.commit import tiny_stamp
from studies.frame.given import Found, Given
from studies.frame.plan import place, read
from studies.frame.runner import PartResult, Work, write_whole
from studies.stepwise import arms, beside, fit, grid, plan_2, policy_draws, start
from studies.stepwise.__main__ import BASE, lab
from studies.stepwise.arms import Cell
from studies.stepwise.credit_cost import Replay
from studies.stepwise.credits import Credited, target
from studies.stepwise.grid import GRID, Recipe, chosen
from studies.stepwise.lab import Marks, Solution
from studies.stepwise.parts import Parts
from studies.stepwise.sizes import FULL, TINY
from studies.stepwise.trainer import Trainer

PLAN = read(ROOT / "studies" / "stepwise" / "plan-2.yaml")
SMALLEST = replace(
    TINY, problems=6, curve={"sft_128": 2, "sft_1024": 7, "sft_4096": 8}, draws=4, many=5, test=4, moved=2, fresh=2,
    pits=1, truth=4, seen=50,
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """The base that ships stands for one of the plan's and for its own SFT policy."""
    found = lab(ROOT / BASE)
    sizes = replace(SMALLEST, problems=24, draws=8, many=9, kept_wrong=2)
    asked = problems(BEYOND, sizes.problems, seed="plan 2")
    rows = [found.words.row(one.text, CLEAN.solution(one, random.Random(0))) for one in asked]
    cell = Cell(found, start.plan_of(start.THIRD, sizes), asked, 7)
    parts = Parts(tmp_path_factory.mktemp("trainer"), lambda: 0.0, 1.0)
    one = Trainer(cell, rows, sizes, parts, dict.fromkeys(GRID, 0))
    one.net = lambda arm, number: found.base
    return one


def test_every_arm_that_is_trained_has_three_tries_and_arms_of_a_kind_the_same() -> None:
    """What a hostile reader asks first: did the claimed arm get more tries than its controls?"""
    named = {one.name for one in (*PLAN.arms, *PLAN.controls)}
    untrained = {"base", "scratch", *(name for name in named if name.startswith(("restart_", "pits_")))}
    assert set(GRID) == named - untrained
    assert all(len(set(recipes)) == 3 for recipes in GRID.values())
    assert len({GRID[arm] for arm in grid.PAIRED}) == 1
    assert all(one.kl > 0 and one.rate < min(each.rate for each in GRID[grid.SFT]) for one in GRID[grid.LOW])
    assert chosen([(0.5, 0.4), (0.3, 0.5), (0.4, 0.4)]) == 1  # of equal ones the first


def test_sizes_are_the_plan_s() -> None:
    """A slip here would be found when the test set is spent."""
    assert {one.name: one.size for one in PLAN.test_sets} == {"test": FULL.test, "fresh": FULL.fresh}
    assert (FULL.problems, FULL.draws, FULL.many, FULL.kept, FULL.kept_many) == (512, 16, 64, 4, 16)
    assert {f"sft_{size}": size for size in FULL.curve.values()} == FULL.curve
    assert set(start.WORLDS) == {one.name for one in PLAN.settings}


def test_arms_that_are_compared_take_the_same_steps_and_see_the_same_tokens(made: Trainer) -> None:
    """Steps are equal by the plan; tokens are counted as they were, and here within the longest thing of a batch."""
    first = {arm: made.taken(arm, 0) for arm in (grid.LONGER, grid.LOW, grid.RFT, grid.MANY)}
    after = {arm: made.taken(arm, 0) for arm in grid.AFTER_RFT}
    assert {one.steps for one in first.values()} == {made.first}
    assert {one.steps for one in after.values() if one.items} == {made.second}
    assert after[grid.CRITICAL].items == after[grid.CHOSEN].items > 0
    assert made.taken(grid.ADVANTAGE, 0).steps == made.first + made.second
    for one in (*first.values(), *after.values()):
        assert not one.items or abs(one.tokens - one.steps * made.tokens) < 200
    assert made.lesson(grid.ADVANTAGE, GRID[grid.ADVANTAGE][0]).begins == grid.SFT
    assert {made.lesson(arm, GRID[arm][0]).begins for arm in grid.AFTER_RFT} == {grid.RFT}


def test_what_is_told_to_be_taken_is_what_was_trained_on(made: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The count is made by the same batches again, so the batches of training must be those."""
    seen: list[int] = []
    real = fit.likelihood

    def counted(rows, pad):
        seen.append(sum(len(row.completion) for row in rows))
        return real(rows, pad)

    monkeypatch.setattr(fit, "likelihood", counted)
    Trainer.net(made, grid.MORE, 0)
    taken = made.taken(grid.MORE, 0)
    assert (len(seen), sum(seen)) == (taken.steps, taken.tokens)


def test_more_draws_are_the_same_ones_and_others(made: Trainer) -> None:
    """RFT with more data has the right solutions of RFT among its own."""
    few, many = (made.lesson(arm, Recipe(1e-3)).rows for arm in (grid.RFT, grid.MANY))
    assert set(few) <= set(many) and len(many) > len(few)


def test_draws_that_are_read_again_are_the_same(made: Trainer) -> None:
    """A part that is cut short goes on with what it had drawn and credited."""
    cell, policy = replace(made.cell, problems=made.cell.problems[:6]), made.cell.lab.base
    kept = policy_draws.held(cell, policy, many=9, seed=1)
    again = msgspec.json.decode(msgspec.json.encode(kept), type=policy_draws.HeldDraws)
    found = policy_draws.read(cell, policy, again)
    solutions = arms.drawn(cell, policy)
    rollouts, labels = arms.credit(cell, policy, solutions)
    assert (found.solutions, found.labels) == (solutions, labels) and labels
    assert dict(found.rollouts.drawn) == dict(rollouts.drawn)
    assert [one.problem for one in found.more] == list(cell.problems)


def test_a_worth_is_read_between_measured_sizes_and_nowhere_else() -> None:
    """Half way down in the logarithm from 512 to 2,048 problems: twice as many."""
    errors = {"sft": "1110000000", "few": "1111100000", "many": "1000000000", "a": "1100000000", "b": "1" * 10}
    marks = {arm: Marks(wrong, wrong, 0.0) for arm, wrong in (errors | {"c": "0" * 10, "base": "1" * 10}).items()}
    found = dict(beside.worths(marks, {"sft": 512, "few": 128, "many": 2048}))
    assert found == {"a/worth": pytest.approx(2.0), "b/worth none": 1, "c/worth more than eight": 1}


def replay(one: Solution, *values: float) -> Replay:
    return Replay(one, values, ())


def test_a_critical_step_that_loses_nothing_is_counted(made: Trainer) -> None:
    """Many rollouts say that the problem itself is as hopeless as what follows its first step."""
    (problem,) = problems(BEYOND, 1, seed="doubts")
    text = "\n".join(["Ada = 1", "Ben = 2", "#### 0"])
    wrong = Solution(problem, (), text, ended=True, right=False)
    label = policy_label(wrong, {0: [True] * 20, 1: [False] * 20, 2: [False] * 20})
    for known, nothing in ((0.0, 1), (0.8, 0)):
        found = dict(beside.doubts([label], [replay(wrong, 0.0, 0.14)], {0: known}))
        assert found["critical steps"] == 1 and found["critical that lose nothing"] == nothing
        assert (found["near the tolerance"], found["replayed"]) == (1, 1)


def policy_label(wrong: Solution, known: dict[int, list[bool]]) -> Credited:
    aim = target(wrong, 0)
    rolled = {steps: dict(enumerate(said)) for steps, said in known.items()}
    label = CreditPlan(aim, Credit(), rolled).label(RolloutOwner(PolicyVersion("test"), 0))
    return Credited(wrong, aim, label)


class Watched(Given):
    """Fails where a test set is looked at before all nets stand."""

    def look(self, test_set: str) -> int:
        folder = self.scratch / f"{self.part.setting}-{self.part.unit}"
        assert {one.stem.rpartition("-")[0] for one in folder.glob("*.pt")} >= set(GRID)
        return super().look(test_set)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Of a tiny pilot, in a folder of the test's own."""
    monkeypatch.setattr(start, "TINY", SMALLEST)
    return Work(tmp_path, PLAN, tiny_stamp(ROOT, place(PLAN)))


def given(work: Work, name: str) -> Given:
    part = next(one for one in PLAN.every_part if one.name == name)
    return Watched(PLAN, part, work.stamp, marks=work.parts / f"{name}.looks", scratch=work.scratch)


def stand(work: Work, name: str, figures: dict[str, float]) -> None:
    """An earlier part's file."""
    result = PartResult(name, "", "", 0.0, 0.0, Found([], figures))
    write_whole(work.parts / f"{name}.json", msgspec.json.encode(result))


def test_a_base_is_trained_before_its_test_problems_are_looked_at(work: Work) -> None:
    """Arms by the recipes that tuning's file names, then restarts and pits with the policy that the arms had."""
    stand(work, "tuning-clean", {f"{arm}/recipe": 1 for arm in GRID})
    found = plan_2.run(given(work, "arms-clean-0"))
    measured = {(one.arm, one.measure) for one in found.tallies}
    assert measured >= {(arm, "error") for arm in (*GRID, "base")}
    assert {found.figures[f"{arm}/recipe"] for arm in GRID} == {1}
    stand(work, "arms-clean-0", found.figures)
    after = plan_2.run(given(work, "fresh-clean-0"))
    measured |= {(one.arm, one.measure) for one in after.tallies}
    assert measured >= {(arm, claim.measure) for claim in PLAN.claims for arm in (claim.arm, claim.against) if arm}
    assert {one.setting for one in (*found.tallies, *after.tallies)} == {"clean"}
