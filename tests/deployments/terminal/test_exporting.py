"""`gleaner export` on folders as a run leaves them."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from actors.ledger.sqlite import SqliteLedger
from deployments.cli import app
from deployments.config.load import load, to_yaml
from deployments.folder.exports import opened
from schemas.ledger import AcceptedEnd, Planned, Record
from schemas.samples import rewritten
from tests.deployments.folder.test_replay import CONFIG, write_config
from tests.doubles.ledgers import Scale, plausible_run

RUN = list(plausible_run(7, Scale(passages=60, refused=1)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished run with its configuration."""
    output = tmp_path / "run"
    output.mkdir()
    (output / "run.yaml").write_text(to_yaml(load(write_config(tmp_path / "run.yaml", CONFIG))))
    with SqliteLedger(output) as ledger:
        ledger.append(RUN)
    return output


def export(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["export", *(str(argument) for argument in arguments)])


def mistake(result: Result) -> str:
    """The one line on stderr of a user's mistake."""
    assert result.exit_code == 2 and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("gleaner: error: ")
    return line.removeprefix("gleaner: error: ")


def test_an_export_into_the_runs_folder(folder: Path) -> None:
    """Without --output it lies beside the data set; the ledger is named, and asking again is refused."""
    result = export(folder, "--format", "dpo", "--split", "test=0.2", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    output = folder / "exports" / "dpo"
    assert told["output"] == str(output)
    assert told["ledgers"][0]["name"] == "ledger.sqlite" and told["ledgers"][0]["last_seq"] == len(RUN)
    assert told["models"] == {"generator": "small", "strong": "large"}
    rows = [row for path in output.glob("*/*.parquet") for row in pq.read_table(path).to_pylist()]
    assert len(rows) == told["rows"] == sum(split["rows"] for split in told["splits"])
    assert {row["chosen_origin"]["model"] for row in rows} <= {"small", "large"}
    assert "holds an export of dpo" in mistake(export(folder, "--format", "dpo"))
    assert sorted(path.name for path in (folder / "exports").iterdir()) == ["dpo"]


def test_what_a_person_reads(folder: Path, tmp_path: Path) -> None:
    """Splits, diagnoses, and what has no row for which reason; a split that got nothing is named."""
    result = export(folder, "--format", "kto", "--output", tmp_path / "kto", "--split", "tiny=0.0001")
    assert result.exit_code == 0
    for word in ("train", "parametric", "same_text", "duplicate"):
        assert word in result.stdout
    assert "no row fell into tiny" in result.stderr


def test_mistakes_are_one_line(folder: Path, tmp_path: Path) -> None:
    """A format of another task, a split that cannot be meant, a folder that is no run or lacks its configuration."""
    assert "task math" in mistake(export(folder, "--format", "dpo_steps"))
    assert "test=0.1" in mistake(export(folder, "--format", "dpo", "--split", "0.1"))
    assert "does not exist" in mistake(export(tmp_path / "nowhere", "--format", "dpo"))
    (folder / "run.yaml").unlink()
    assert "holds no run.yaml" in mistake(export(folder, "--format", "dpo"))
    assert export(folder, "--format", "nonsense").exit_code == 2


def asked_otherwise(record: Record) -> Record:
    """The accepted attempt asks another question than those that were rejected."""
    candidate = record.attempt.candidate if isinstance(record, AcceptedEnd) else None
    if not isinstance(record, AcceptedEnd) or candidate is None or candidate.draft is None:
        return record
    draft = rewritten(candidate.draft, question=f"What else of {record.order_id}?")
    return replace(record, attempt=replace(record.attempt, candidate=replace(candidate, draft=draft)))


def test_no_row_in_one_view_names_the_other(tmp_path: Path, folder: Path) -> None:
    """Every repair asked for another question: no pair for a student, and the generator's view has them all."""
    output = tmp_path / "otherwise"
    output.mkdir()
    (output / "run.yaml").write_text((folder / "run.yaml").read_text())
    with SqliteLedger(output) as ledger:
        ledger.append([asked_otherwise(record) for record in RUN])
    said = mistake(export(output, "--format", "dpo"))
    told = json.loads(export(output, "--format", "dpo", "--view", "sample", "--json").stdout)
    assert told["rows"] and f"`--view sample` has {told['rows']:,}" in said


def test_the_ledger_is_read_as_it_was_when_the_export_began(folder: Path) -> None:
    """A run goes on writing while its lives are exported: rows are of one moment, and the next export sees the rest."""
    config = load(folder / "run.yaml")
    more = [record for record in plausible_run(8, Scale(passages=5, refused=0)) if not isinstance(record, AcceptedEnd)]
    with opened(folder, config) as source:
        ((read, ledger),) = source.ledgers
        with SqliteLedger(folder) as writer:
            writer.append(more)
        assert read.last_seq == len(RUN)
        assert len(ledger.planned(0, 1000)) == 60
    with opened(folder, config) as source:
        ((read, ledger),) = source.ledgers
        planned = sum(isinstance(record, Planned) for record in more)
        assert (read.last_seq, len(ledger.planned(0, 1000))) == (len(RUN) + len(more), 60 + planned)
