"""A credited run under random schedules, each of one seed: SCHEDULES=10000 for so many, 300 else; the first hundred are
quick, the rest of the same kind and slow."""

import os
from collections import Counter

import pytest

from schemas.ledger import Credited, DeadLetteredEnd, Reopened, StaleReport
from tests.doubles.credit_schedules import Life

SCHEDULES = int(os.environ.get("SCHEDULES", "300"))
BLOCK = 50
MOVES = 60
QUICK = 100
BLOCKS = [pytest.param(first, marks=() if first < QUICK else pytest.mark.slow) for first in range(0, SCHEDULES, BLOCK)]


@pytest.mark.parametrize("first", BLOCKS)
@pytest.mark.timeout(600)
def test_whatever_happens_the_ledger_can_be_replayed_and_holds(first: int) -> None:
    """Conductors and processes die, budgets end in the middle of credits, dead letters come back: each credit has one
    label, each draw is paid for once, each order has one end, and every reader of ledgers reads it to its end."""
    for seed in range(first, min(first + BLOCK, SCHEDULES)):
        life = Life(seed)
        try:
            life.play(MOVES)
            life.end()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error


def test_the_schedules_come_to_the_corners() -> None:
    """Among forty lives: budgets that end credits, labels that follow from rollouts, reports made in vain, orders that
    come back with what was drawn before."""
    seen = Counter[str]()
    for seed in range(40):
        life = Life(seed)
        life.play(MOVES)
        life.end()
        for record in life.kept:
            match record:
                case Credited():
                    seen[record.label.stopped.value] += 1
                case DeadLetteredEnd():
                    seen[record.end.reason.value] += 1
                case Reopened():
                    seen["with draws" if record.drawn else "without"] += 1
                case StaleReport():
                    seen["stale"] += 1
                case _:
                    pass
    assert all(seen[what] >= 5 for what in ("decided", "budget", "rejected", "with draws", "without", "stale")), seen
