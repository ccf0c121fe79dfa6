"""A study of a known answer: what the tests of the frame plan, run and read. Its arms are coins, and one of them is
better than the control by a planted effect."""

import random
import subprocess
from pathlib import Path

from studies.frame.given import Found, Given
from studies.frame.statistics import Tally

ERRORS = {"better": 0.35, "same": 0.5, "plain": 0.5}
"""The true share of wrong answers of each arm."""
PROBLEMS = 200
PLAN = """
study: tiny
number: 1
title: Coins
question: Is a better coin found to be better?
seen_before: [Nothing.]
settings: [{name: table, what: A table.}]
measures: [{name: error, what: Share of wrong answers., percent: true}]
arms:
- {name: better, what: Wrong in 35%.}
- {name: same, what: Wrong in 50% as the control is.}
controls: [{name: plain, what: Wrong in 50%.}]
units: [{name: purse, what: Coins of one seed., count: 12}]
test_sets: [{name: test, what: Throws., size: 200}]
families: [{name: main, what: All claims.}]
claims:
- &claim
  name: better-than-plain
  says: The better coin errs less.
  arm: better
  against: plain
  measure: error
  direction: less
  smallest: 0.05
  settings: [table]
  units: purse
  family: main
  rules_out: Luck.
  power: {expected: 0.15, unit_sd: 0.05, pilot: The coins' own shares.}
- <<: *claim
  name: same-as-plain
  says: The same coin errs less.
  arm: same
headlines:
- {name: better, says: The better coin is better., claims: [better-than-plain], settings: [table]}
- {name: both, says: Both coins are better., claims: [better-than-plain, same-as-plain], settings: [table]}
parts: [{name: throws, what: Throws all coins., core_minutes: 1, settings: [table], units: purse, looks: [test]}]
budget: {core_minutes: 20, equal: [Throws.]}
limits: [They are coins.]
"""


def run(given: Given) -> Found:
    """Every coin's errors on the unit's own throws."""
    dice = random.Random(given.look("test"))
    wrong = {arm: sum(dice.random() < share for _ in range(PROBLEMS)) for arm, share in ERRORS.items()}
    unit = str(given.part.unit)
    return Found([Tally("table", arm, "error", unit, n, PROBLEMS) for arm, n in wrong.items()], {"throws": PROBLEMS})


def repository(root: Path, plan: str = PLAN) -> Path:
    """A repository with the plan committed."""
    path = root / "studies" / "tiny" / "plan-1.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(plan)
    git(root, "init", "-q")
    commit(root)
    return root


def commit(root: Path) -> None:
    """Everything, as it lies there."""
    git(root, "add", "-A")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "x")


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True)
