"""Exports of a whole credited math run, from the ledger that the real queue wrote, against a solver whose pits are
known."""

from pathlib import Path

import pytest

from actors.ledger.sqlite import MemoryLedger
from actors.text.steps import steps
from deployments.build.wiring import export_wording
from deployments.config.load import load_text, resolve
from schemas.exports import ExportFormat, Form
from schemas.ledger import AcceptedEnd, Credited, Rolled
from tests.actors.exports.runs import Known, asked, exported
from tests.deployments.local.test_credit_run import CONFIG, conducted, solver
from tests.doubles.step_solver import BAD


async def test_pairs_of_a_credited_run_are_right_and_go_on_from_one_prefix(tmp_path: Path) -> None:
    """Restarts and rollouts give the good steps. Every side is in the ledger: what is chosen begins a solution that was
    verified, what is rejected is what the solver knows to be its first fault, but for a label in ten."""
    config = resolve(load_text(CONFIG), tmp_path)
    records = await conducted(config, solver(), MemoryLedger())
    wording = export_wording(config)
    known = Known.of(records)
    verified = {
        known.attempts[(end.order_id, end.attempt.number)].candidate.draft.answer  # type: ignore[union-attr]
        for end in records
        if isinstance(end, AcceptedEnd)
    } | {rolled.prefix + rolled.text.rstrip() for rolled in records if isinstance(rolled, Rolled) and rolled.right}
    labels = [record for record in records if isinstance(record, Credited)]

    rows, _ = exported(records, asked(ExportFormat.DPO_STEPS, form=Form.TEXT), wording)
    assert len({row["rejected_origin"]["order_id"] for row in rows}) > 5
    assert any(row["rollout"] for row in rows) and any(row["chosen_origin"] for row in rows)
    for row in rows:
        known.check({name: row[name] for name in ("chosen_origin", "rejected_origin")})
        assert row["prompt"].endswith(row["prefix"])
        assert any(text.startswith(row["prefix"] + row["good_step"]) for text in verified)
        assert not any(text.startswith(row["prefix"] + row["bad_step"]) for text in verified)
    restarted = [row for row in rows if (row["chosen_origin"] or {}).get("repair") == "restart_from_prefix"]
    assert restarted
    for row in restarted:
        if row["chosen_origin"]["order_id"] == row["rejected_origin"]["order_id"]:
            assert 1 <= row["chosen_origin"]["restarted_from"] < row["chosen_origin"]["attempt"]
    true = [row["bad_step"].rstrip().endswith(BAD) and BAD not in row["prefix"] for row in rows]
    assert sum(true) >= 0.9 * len(true)

    for format in (ExportFormat.DPO_PREFIX, ExportFormat.STEPWISE, ExportFormat.ADVANTAGES):
        found, _ = exported(records, asked(format), wording)
        assert len(found) >= 0.9 * len({label.order_id for label in labels})
    for row in exported(records, asked(ExportFormat.STEPWISE), wording)[0]:
        assert [step.text for step in steps("".join(row["completions"]))] == row["completions"]
        if not row["correct"]:
            bad = [text.rstrip().endswith(BAD) for text in row["completions"]]
            assert row["labels"].index(False) >= bad.index(True) - 1


@pytest.mark.parametrize("format", [ExportFormat.RFT, ExportFormat.KTO, ExportFormat.DPO])
async def test_whole_solutions_of_a_credited_run(format: ExportFormat, tmp_path: Path) -> None:
    """Restarted solutions are whole ones: prefix and continuation together, against the wrong one they came from."""
    config = resolve(load_text(CONFIG), tmp_path)
    records = await conducted(config, solver(), MemoryLedger(), 6)
    known = Known.of(records)
    rows, _ = exported(records, asked(format), export_wording(config))
    assert rows
    for row in rows:
        known.check(row)
