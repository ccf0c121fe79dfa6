"""A credited run under random schedules, each of one seed: SCHEDULES=10000 for so many, 300 else."""

import os

import pytest

from tests.doubles.credit_schedules import Life

SCHEDULES = int(os.environ.get("SCHEDULES", "300"))
BLOCK = 50
MOVES = 60


@pytest.mark.parametrize("first", range(0, SCHEDULES, BLOCK))
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
