"""The study's arithmetic on made-up figures, its resuming, and a smoke run of all parts."""

import fcntl
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from schemas.config_credit import Credit
from schemas.errors import ConfigError
from studies.arithmetic.world import HARD, problems
from studies.stepwise.__main__ import main
from studies.stepwise.arms import ARMS
from studies.stepwise.credit_cost import Replay, early_exit, fixed, sequential, table
from studies.stepwise.curves import Point, difference, fitted, multiplier
from studies.stepwise.lab import Solution
from studies.stepwise.parts import Parts
from studies.stepwise.results import Results
from studies.stepwise.study import FULL, SMOKE

SIZES = (64, 256, 1024, 4096)


def point(size: int, error: float, *, seeds: int = 3, count: int = 400) -> Point:
    dice = np.random.default_rng(size)
    return Point(size, (dice.random((seeds, count)) < error).astype(int))


def test_a_curve_is_found_again() -> None:
    """And it says at which size an error is reached."""
    curve = fitted(SIZES, [2 * size**-0.25 for size in SIZES])
    assert math.isclose(curve.slope, 0.25) and math.isclose(curve.size(2 * 500**-0.25), 500)


def test_a_flat_curve_reaches_nothing() -> None:
    """Falling a little, not at all, or rising: no number overflows."""
    assert [fitted((16, 32), errors).size(0.1) for errors in ((0.5, 0.4999), (0.5, 0.5), (0.4, 0.5))] == [math.inf] * 3


def test_an_arm_worth_four_times_the_problems_is_seen_as_such() -> None:
    """The interval holds the true worth; an arm like SFT is worth one."""
    sft = [point(size, 2 * size**-0.25) for size in SIZES]
    arm = [point(size, 2 * (4 * size) ** -0.25) for size in SIZES[:2]]
    worth = multiplier(sft, arm, resamples=200)
    assert worth.low < 4 < worth.high and worth.low > 1 and not worth.extrapolated
    same = multiplier(sft, [point(size, 2 * size**-0.25) for size in SIZES[:2]], resamples=200)
    assert same.low < 1 < same.high
    assert multiplier(sft[:2], arm, resamples=20).extrapolated


def test_a_difference_between_arms_has_an_interval() -> None:
    """An arm with fewer errors on the same problems is seen as better; one with the same errors is not."""
    sft = [point(size, 0.5) for size in SIZES]
    better = [Point(one.size, one.wrong * (np.arange(400) % 2)) for one in sft]
    value, low, high = difference(better, sft)
    assert low < value < high < 0 and abs(value + 0.25) < 0.05
    assert difference(sft, sft) == (0.0, 0.0, 0.0)


def test_a_folder_holds_the_parts_of_one_plan(tmp_path: Path) -> None:
    """The same plan goes on there, another is refused."""
    parts = Parts(tmp_path / "parts", lambda: 0.0, 1.0)
    parts.hold((SMOKE, "base"))
    parts.hold((SMOKE, "base"))
    for other in ((FULL, "base"), (SMOKE, "another base")):
        with pytest.raises(ConfigError, match="another plan or base"):
            parts.hold(other)


def replay(*values: float) -> Replay:
    """A wrong solution of as many steps and one more, with draws at exactly these rates."""
    text = "\n".join(f"Ada = {n}" for n in range(len(values))) + "\n#### 1"
    one = Solution(problems(HARD, 1, seed="replay")[0], (), text, ended=True, right=False)
    draws = tuple(tuple(n % 10 < round(10 * value) for n in range(64)) for value in values)
    return Replay(one, values, draws)


def test_the_baseline_that_stops_pays_for_nothing_behind_the_pit() -> None:
    """Sixteen of each prefix as far as the second; of all three where none is the pit."""
    assert early_exit(replay(0.8, 0.0, 0.5), 16, 0.1) == (2, 32)
    assert early_exit(replay(0.8, 0.6, 0.5), 16, 0.1) == (4, 48)


def test_a_clear_pit_is_found_for_a_part_of_the_price() -> None:
    """Sequential stopping finds it with fewer rollouts than a fixed number does."""
    clear = [replay(0.9, 0.8, 0.0, 0.0), replay(0.0, 0.0, 0.0), replay(0.9, 0.9, 0.9)]
    config = Credit(max_rollouts=64, at_once=1)
    assert [fixed(one, 16, 0.1)[0] for one in clear] == [3, 1, 4]
    assert [sequential(one, config)[0] for one in clear] == [3, 1, 4]
    costs = table(clear, config, truth=256).strategies
    assert costs["sequential"].agreement == 1.0
    assert costs["sequential"].rollouts < costs["fixed 16"].rollouts


def test_a_finished_part_is_never_made_again(tmp_path: Path) -> None:
    """A rerun reads it; past the time limit nothing new begins."""
    now = [0.0]
    parts = Parts(tmp_path, lambda: now[0], within=10)
    assert parts.made("a", int, lambda: 7) == 7
    assert parts.made("a", int, lambda: 8) == 7
    now[0] = 11
    assert parts.made("a", int, lambda: 9) == 7
    assert parts.made("b", int, lambda: 9) is None
    assert not list(tmp_path.glob("*.partial"))


def test_a_part_that_another_process_makes_is_left_to_it(tmp_path: Path) -> None:
    """Two cores, two processes, one folder; when the other one ends, however it ends, the part is free again."""
    parts = Parts(tmp_path, lambda: 0.0, within=10)
    with (tmp_path / "a.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert parts.made("a", int, lambda: 7) is None
        assert parts.made("b", int, lambda: 8) == 8
    assert parts.made("a", int, lambda: 9) == 9


@pytest.mark.slow
def test_every_part_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny sizes, the shipped base: nothing is claimed, all is there, and a rerun makes nothing anew."""
    monkeypatch.setattr("sys.argv", ["stepwise", "--smoke", "--output", str(tmp_path)])
    main()
    results = msgspec.json.decode((tmp_path / "results.json").read_bytes(), type=Results)
    assert results.smoke and not results.missing
    assert {row.arm for row in results.curves} == set(ARMS)
    assert all(0 <= row.error <= 1 and row.seeds == 2 for row in results.curves)
    assert results.credit is not None and results.restart is not None
    assert len(results.spurious) == len(results.pathstar) == 2
    assert "<img" in (tmp_path / "report.html").read_text()
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()}
    main()
    assert made == {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()}
