"""What a user brings beside tasks and gates, in one whole run: a reader, and a repair."""

from pathlib import Path

import pytest

import gleaner
from actors.ledger.folder import Ledgers
from deployments.run import RunEnd
from schemas.ledger import Rejoined
from tests.deployments.build.test_own_readers import READERS, TABLE, run_of

REPAIRS = 'own_repairs: {shorter: "examples.repairs.shorter:shorter"}, repairs: {parametric: [shorter]}'


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
def test_a_whole_run_of_ones_own_parts(tmp_path: Path) -> None:
    """Every process finds the code; the folder is proved with it."""
    (tmp_path / "table.csv").write_text(TABLE)
    text = run_of(READERS, f"[{tmp_path / 'table.csv'}]").replace("max_attempts: 3", f"max_attempts: 3, {REPAIRS}")
    path = tmp_path / "config.yaml"
    path.write_text(text)
    made = gleaner.run(path, tmp_path / "run").wait()
    assert made.end is RunEnd.COMPLETE
    assert made.manifest.counts.accepted > 0
    report = gleaner.verify(tmp_path / "run", config=path)
    assert report.ok and report.passages_checked == report.passages > 0
    with Ledgers(tmp_path / "run") as ledgers:
        records = [record for each in ledgers.each for _, record in each.records()]
    chosen = [record.attempt.choice for record in records if isinstance(record, Rejoined)]
    assert "shorter" in {choice.repair.kind for choice in chosen if choice is not None and choice.repair is not None}
