"""Rows of credited steps, compared with labels and texts: prefixes, pits, labels, weights."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.text.steps import steps
from schemas.credit import prefix_id, rollout_id
from schemas.errors import LedgerError
from schemas.exports import ExportFormat, Form, LeftOut
from schemas.ids import OrderId
from schemas.ledger import Credited, Planned, Record, Rolled
from tests.actors.exports.runs import MATH, Known, asked, exported
from tests.actors.exports.solved import AT, POLICY, label_of, problem, run_of

PIT = "2*3=6\n6+1=7\nSo 7.\n#### 7"
"""Its second step is the pit."""
RESTARTED = "2*3=6\n6-1=5\n#### 5"
SAME_PIT = "2*3=6\n6+1=7\nno, 5\n#### 5"
ELSEWHERE = "3+3-1=5\n#### 5"
QS = (0.8, 0.7, 0.0, 0.0, 0.0)
CREDITED_FORMATS = (ExportFormat.DPO_STEPS, ExportFormat.DPO_PREFIX, ExportFormat.STEPWISE, ExportFormat.ADVANTAGES)


def credited(
    lives: Sequence[Sequence[str]],
    *,
    solved: Sequence[bool] | None = None,
    pit: int | None = 2,
    qs: Sequence[float] = QS,
) -> list[Record]:
    """A run of which the first attempt of the first order was credited."""
    records = run_of(problem(0), lives, solved=solved)
    order = next(order for record in records if isinstance(record, Planned) for order in record.orders)
    return [*records, Credited(AT + 9, order.id, label_of(order.id, 1, lives[0][0], qs, pit))]


def test_both_sides_of_a_pair_continue_the_same_prefix() -> None:
    """The restarted solution's next step over the pit. The prefix opens both messages; as text it ends the prompt."""
    records = credited([[PIT, RESTARTED]])
    (row,), _ = exported(records, asked(ExportFormat.DPO_STEPS), MATH)
    assert row["prompt"] == [{"role": "user", "content": problem(0).text}]
    assert (row["chosen"][0]["content"], row["rejected"][0]["content"]) == ("2*3=6\n6-1=5\n", "2*3=6\n6+1=7\n")
    assert (row["prefix"], row["good_step"], row["bad_step"]) == ("2*3=6\n", "6-1=5\n", "6+1=7\n")
    assert (row["chosen_ends"], row["rejected_ends"]) == (False, False)
    assert row["prefix_value"] == {"n": 10, "k": 7, "q": 0.7, "low": pytest.approx(0.6), "high": pytest.approx(0.8)}
    assert row["advantage"] == pytest.approx(-0.7)
    assert (row["credit"]["first_pit"], row["credit"]["policy"], row["credit"]["rule"]) == (2, POLICY, "zero")
    (text,), _ = exported(records, asked(ExportFormat.DPO_STEPS, form=Form.TEXT), MATH)
    assert text["prompt"] == f"{problem(0).text}\n\n2*3=6\n"
    assert (text["chosen"], text["rejected"]) == ("6-1=5\n", "6+1=7\n")


def test_only_solutions_that_share_the_prefix_give_a_good_step() -> None:
    """Another way to the answer does not say what to do at this place; nothing is invented for it."""
    rows, left = exported(credited([[PIT], [ELSEWHERE]], solved=[False, True]), asked(ExportFormat.DPO_STEPS), MATH)
    assert not rows and left[LeftOut.NO_GOOD_STEP] == 1
    rows, _ = exported(credited([[PIT], [ELSEWHERE], [RESTARTED]], solved=[False, True, True]),
                       asked(ExportFormat.DPO_STEPS), MATH)  # fmt: skip
    assert [row["good_step"] for row in rows] == ["6-1=5\n"]


def test_steps_that_lost_much_before_the_pit_are_pairs_too() -> None:
    """With `--critical 0.3` also the step that took Q from 1 to 0.2, although somebody got right after it, and none
    that lost 0.1, or seems to have lost 0.4 by ten rollouts. Each row has an id of its own and says which step it is
    about."""
    lives, solved = [[PIT], [ELSEWHERE], [RESTARTED]], [False, True, True]
    for unsure in ((0.8, 0.4, 0.0, 0.0, 0.0), (1.0, 0.7, 0.0, 0.0, 0.0)):
        rows, _ = exported(credited(lives, solved=solved, qs=unsure), asked(ExportFormat.DPO_STEPS, critical=0.3), MATH)
        assert [row["step"] for row in rows] == [2]
    records = credited(lives, solved=solved, qs=(1.0, 0.2, 0.0, 0.0, 0.0))
    (pit,), _ = exported(records, asked(ExportFormat.DPO_STEPS), MATH)
    rows, _ = exported(records, asked(ExportFormat.DPO_STEPS, critical=0.3), MATH)
    told = [(row["step"], row["prefix"], row["good_step"], row["bad_step"], row["advantage"]) for row in rows]
    assert told == [
        (1, "", "3+3-1=5\n", "2*3=6\n", pytest.approx(-0.8)),
        (2, "2*3=6\n", "6-1=5\n", "6+1=7\n", pytest.approx(-0.2)),
    ]
    assert rows[1] == pit and rows[0]["id"] != pit["id"]
    (row,), _ = exported(credited(lives, solved=solved), asked(ExportFormat.DPO_STEPS, critical=0.3), MATH)
    assert row["step"] == 2


def test_a_critical_step_has_its_own_prefixs_rollouts() -> None:
    """Nobody solved the problem, but a rollout from before the critical step went right: it is the good step there, and
    takes no part in the pit's row, which has its own."""
    three = "2*3=6\n6-1=5\n5+2=7\n#### 7"
    records = credited([[three]], solved=[False], pit=3, qs=(1.0, 1.0, 0.2, 0.0, 0.0))
    said = {("2*3=6\n", 9): "6-2=4\n4+1=5\n#### 5", ("2*3=6\n6-1=5\n", 0): "#### 5"}
    for (prefix, draw), text in said.items():
        rollout = OrderId(rollout_id(prefix_id(problem(0).id, prefix, POLICY), draw))
        records.append(Rolled(AT + 5, rollout, problem(0).id, prefix, draw, POLICY, True, text))
    rows, _ = exported(records, asked(ExportFormat.DPO_STEPS, critical=0.3), MATH)
    told = [(row["step"], row["prefix"], row["good_step"], row["bad_step"], row["rollout"]["draw"]) for row in rows]
    assert told == [
        (2, "2*3=6\n", "6-2=4\n", "6-1=5\n", 9),
        (3, "2*3=6\n6-1=5\n", "#### 5", "5+2=7\n", 0),
    ]
    (pit,), _ = exported(records, asked(ExportFormat.DPO_STEPS), MATH)
    assert pit == rows[1]


def test_a_pit_from_which_somebody_got_out_is_in_doubt() -> None:
    """A verified solution takes the very step: it is rejected in no row."""
    records = credited([[PIT, RESTARTED], [SAME_PIT]])
    for format in (ExportFormat.DPO_STEPS, ExportFormat.DPO_PREFIX):
        rows, left = exported(records, asked(format), MATH)
        assert not rows and left[LeftOut.PIT_IN_DOUBT] == 1


def test_a_rollout_that_went_right_gives_the_good_step(tmp_path: Path) -> None:
    """No attempt recovered, but two of the rollouts from the prefix before the pit did: found again by their ids, in
    the ledger as it lies on the disk; wrong and unanswered ones are left."""
    prefix = prefix_id(problem(0).id, "2*3=6\n", POLICY)
    said = {0: ("6-2=4\n#### 4", False), 1: ("6-1=5\n#### 5", True), 3: ("", None), 5: ("take 1:\n6-1=5\n#### 5", True)}
    rolled = [
        Rolled(AT + 5, OrderId(rollout_id(prefix, draw)), problem(0).id, "2*3=6\n", draw, POLICY, right, text)
        for draw, (text, right) in said.items()
    ]
    with SqliteLedger(tmp_path) as ledger:
        ledger.append([*credited([[PIT]], solved=[False]), *rolled])
    with LedgerReader(tmp_path) as reader:
        records = [record for _, record in reader.records()]
        assert reader.story(rolled[1].order_id) == [rolled[1]]
    rows, _ = exported(records, asked(ExportFormat.DPO_STEPS), MATH)
    assert {(row["good_step"], row["rollout"]["draw"]) for row in rows} == {("6-1=5\n", 1), ("take 1:\n", 5)}
    assert all(row["chosen_origin"] is None and row["rollout"]["policy"] == POLICY for row in rows)
    rows, _ = exported(records, asked(ExportFormat.DPO_STEPS, per_problem=1), MATH)
    assert len(rows) == 1
    (row,), _ = exported(records, asked(ExportFormat.DPO_PREFIX, form=Form.TEXT), MATH)
    assert (
        row["chosen"].startswith("2*3=6\n") and row["chosen"].endswith("#### 5") and row["rejected"] == "2*3=6\n6+1=7\n"
    )


def test_the_prefix_that_ends_in_the_pit() -> None:
    """Under the verified solution that shares most with it; cut off there, so no end of turn belongs behind it."""
    records = credited([[PIT], [ELSEWHERE], [RESTARTED]], solved=[False, True, True])
    (row,), _ = exported(records, asked(ExportFormat.DPO_PREFIX, form=Form.TEXT), MATH)
    assert (row["chosen"], row["rejected"]) == (RESTARTED, "2*3=6\n6+1=7\n")
    assert (row["chosen_ends"], row["rejected_ends"]) == (True, False)


def test_steps_with_labels_and_values() -> None:
    """Hard labels from the first pit, what was estimated beside them, what was not as null; verified ones all true."""
    records = credited([[PIT, RESTARTED]])
    rows, left = exported(records, asked(ExportFormat.STEPWISE), MATH)
    bad = next(row for row in rows if not row["correct"])
    good = next(row for row in rows if row["correct"])
    assert "".join(bad["completions"]) == PIT and "".join(good["completions"]) == RESTARTED
    assert bad["labels"] == [True, False, False, False] and good["labels"] == [True, True, True]
    assert bad["values"] == [0.7, 0.0, 0.0, 0.0] and bad["n"] == [10] * 4 and bad["k"] == [7, 0, 0, 0]
    assert bad["advantage"] == pytest.approx([-0.1, -0.7, 0.0, 0.0]) and bad["start_value"] == 0.8
    assert good["values"] == [None] * 3 and good["credit"] is None
    assert not left[LeftOut.NOT_CREDITED]


def test_weights_of_steps() -> None:
    """Each step's advantage at its place in the solution, where Q has changed for sure: 8 and 7 of 10 are no change.
    What is not known weighs nothing and says so."""
    records = credited([[PIT, RESTARTED]])
    label = next(record.label for record in records if isinstance(record, Credited))
    unknown = replace(label.values[3], q=None, n=0, k=0)
    label = replace(label, values=(*label.values[:3], unknown, label.values[4]))
    records = [replace(record, label=label) if isinstance(record, Credited) else record for record in records]
    (row,), left = exported(records, asked(ExportFormat.ADVANTAGES), MATH)
    text = row["completion"][0]["content"]
    assert [text[:end].count("\n") for end in row["step_ends"]] == [1, 2, 3, 3]
    assert row["weights"] == pytest.approx([0.0, -0.7, 0.0, 0.0]) and row["known"] == [True, True, False, False]
    assert left[LeftOut.NOT_CREDITED] == 1


def test_no_pit_no_pair() -> None:
    """The budget ended before the first pit was found."""
    records = credited([[PIT, RESTARTED]], pit=None)
    for format in CREDITED_FORMATS[:3]:
        rows, left = exported(records, asked(format), MATH)
        assert left[LeftOut.NO_PIT] == 1 and all(row["correct"] for row in rows)
    assert len(exported(records, asked(ExportFormat.ADVANTAGES), MATH)[0]) == 1


def test_a_label_of_other_steps_is_a_damaged_ledger() -> None:
    """The text was cut differently when it was credited: an error, not a guess."""
    records = credited([[PIT, RESTARTED]])
    label = label_of("x", 1, "2*3=6\n6+1=7\n", QS[:3], 2)
    wrong = [replace(r, label=replace(label, order_id=r.order_id)) if isinstance(r, Credited) else r for r in records]
    with pytest.raises(LedgerError, match="does not fit its steps"):
        exported(wrong, asked(ExportFormat.DPO_STEPS), MATH)


LINES = st.lists(st.sampled_from(["a=1\n", "b=2\n", "c=3\n", "d=4\n"]), min_size=1, max_size=4)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(LINES, st.booleans()), min_size=1, max_size=5), st.data())
def test_every_row_is_what_the_ledger_says(lives: list[tuple[list[str], bool]], data: st.DataObject) -> None:
    """Whatever was tried and wherever the pit is: prefixes are shared, steps join to the texts, sides are true."""
    texts = [["".join(lines) + "#### 9"] if right else ["".join(lines) + "#### 7"] for lines, right in lives]
    records = run_of(problem(0), texts, solved=[right for _, right in lives])
    orders = next(record.orders for record in records if isinstance(record, Planned))
    for order, (text,), (_, right) in zip(orders, texts, lives, strict=True):
        if not right:
            parts = steps(text)
            pit = data.draw(st.integers(1, len(parts)))
            label = label_of(order.id, 1, text, [0.5] * pit + [0.0] * (len(parts) + 1 - pit), pit)
            records.append(Credited(AT + 9, order.id, label))
    known = Known.of(records)
    right_texts = {text for (text,), (_, right) in zip(texts, lives, strict=True) if right}
    for format in CREDITED_FORMATS[:2]:
        for row in exported(records, asked(format, form=Form.TEXT), MATH)[0]:
            known.check({"chosen_origin": row["chosen_origin"], "rejected_origin": row["rejected_origin"]})
            origin = row["rejected_origin"]
            candidate = known.attempts[(origin["order_id"], origin["attempt"])].candidate
            assert candidate is not None
            prefix = row.get("prefix", "")
            assert candidate.text.startswith(prefix + row["rejected"])
            assert any(text.startswith(prefix + row["chosen"]) for text in right_texts)
            assert not any(text.startswith(prefix + row["rejected"]) for text in right_texts)
            if format is ExportFormat.DPO_STEPS:
                assert row["prompt"].endswith(f"\n\n{prefix}")
    stepwise, _ = exported(records, asked(ExportFormat.STEPWISE), MATH)
    assert len(stepwise) == len(lives)
    for row in stepwise:
        assert row["labels"] == sorted(row["labels"], reverse=True)
        lists = ("completions", "labels", "values", "n", "k", "low", "high", "advantage")
        assert len({len(row[name]) for name in lists}) == 1
        assert all(row["labels"]) == row["correct"]
