"""The benchmark of a sample's cost: its model says the same of the same request, and its table counts what was paid."""

import re

from msgspec.structs import replace

from benchmarks.cost import ARMS, SLOTS, row, run
from benchmarks.simulated.corpus import fact_sheet
from benchmarks.simulated.model import Asked, Quality, SimulatedModel
from benchmarks.simulated.text import is_faithful


def test_truth_is_hidden_in_the_passage_alone() -> None:
    """What the model tells rightly is faithful, what it alters is not; both occur."""
    model, passage = SimulatedModel(Quality()), fact_sheet(0, 1).text
    said = [model.pair(Asked(passage=passage, key=str(number))) for number in range(60)]
    assert said == [model.pair(Asked(passage=passage, key=str(number))) for number in range(60)]
    whole = [pair for pair in said if " near " not in pair.answer]
    right = [is_faithful(passage, pair.answer) for pair in whole]
    assert 30 < sum(right) < len(right)


def test_a_bill_counts_every_call_of_every_order() -> None:
    """Every order has at least its draft, and a verdict of each gate for each sample."""
    bill = run(ARMS[0], passages=3, seed=0)
    assert bill.orders == 3 * SLOTS
    assert bill.kinds["generate"] >= bill.orders and bill.kinds["judge"] >= bill.accepted >= bill.distinct > 0
    assert (bill + bill).tokens == 2 * bill.tokens > 0
    cells = row(ARMS[0], [bill, bill]).split(" | ")
    assert re.fullmatch(r"\d+\.\d\d", cells[1]) and float(cells[1]) >= 3


def test_what_shares_a_call_is_paid_once() -> None:
    """Three samples of a completion are judged in one call, and those that pass rated in one."""
    arm = next(arm for arm in ARMS if arm.judged == SLOTS and arm.short_circuit)
    bill = run(arm, passages=4, seed=0)
    repairs = sum(bill.kinds[kind] for kind in ("edit", "strict", "quote", "generate"))
    assert bill.kinds["several"] == 4 and repairs < bill.kinds["judge"] <= 4 + repairs
    assert bill.kinds["reward"] <= 4 + repairs and bill.accepted > SLOTS


def test_a_cascade_is_measured_after_its_past() -> None:
    """Its classifier's calls and tokens are told apart, and what calibrated it is not in the figures of the run."""
    arm = next(arm for arm in ARMS if arm.classifier is not None)
    bill = run(arm, passages=3, seed=0)
    assert bill.orders == 3 * SLOTS and bill.past > bill.tokens
    assert bill.kinds["classifier"] >= bill.accepted and bill.classified > 0
    assert bill.calls == sum(calls for kind, calls in bill.kinds.items() if kind != "classifier")
    low, high = (replace(bill, tokens=bill.distinct * each) for each in (1, 3))
    assert " | 2 (1–3) | " in row(arm, [low, high])
