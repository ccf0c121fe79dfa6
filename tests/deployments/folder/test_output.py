"""The folder at the door: looked at before anything starts, and again once its lock is held."""

import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.ledger.reopen import ReplayRequest
from actors.ledger.sqlite import SqliteLedger
from deployments.build.wiring import started
from deployments.config.load import load, to_yaml
from deployments.folder.output import keep, prepare
from deployments.folder.replay import replay
from schemas.config import RunConfig
from schemas.errors import OutputError
from schemas.ledger import RunStarted
from tests.deployments.folder.test_replay import CONFIG, SCALE, config_with, write_config
from tests.doubles.ledgers import plausible_run


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    return load(write_config(tmp_path / "run.yaml", CONFIG))


@pytest.fixture
def output(tmp_path: Path, config: RunConfig) -> Path:
    """An empty folder that a run was allowed to take."""
    return prepare(config, tmp_path / "run")


def carry(config: RunConfig, output: Path) -> None:
    """A whole run, from the lock to its end."""
    with SqliteLedger(output) as ledger:
        keep(config, output)
        records = [record for record in plausible_run(7, SCALE) if not isinstance(record, RunStarted)]
        ledger.append([started(config, at=0.0), *records])


def test_a_run_that_came_between_is_not_overwritten(output: Path, config: RunConfig) -> None:
    """Two commands on one empty folder: one runs and ends while the other still starts its Ray. The other is refused
    then, and the folder is the first one's."""
    other = replace(config, seed=config.seed + 1)
    carry(config, output)
    with SqliteLedger(output), pytest.raises(OutputError, match="another run's folder"):
        keep(other, output)
    assert (output / "run.yaml").read_text() == to_yaml(config)
    assert prepare(config, output) == output


def test_a_replay_that_came_between_is_not_undone(output: Path, config: RunConfig, tmp_path: Path) -> None:
    """Its changed configuration stays: a run of the old one, which looked before it, is refused."""
    carry(config, output)
    prepare(config, output)
    changed = config_with(tmp_path, ("threshold: 0.5", "threshold: 0.3"))
    assert replay(output, ReplayRequest(), changed, now=time.time).orders > 0
    with SqliteLedger(output), pytest.raises(OutputError, match=r"gates\.faithfulness\.threshold: 0\.3 → 0\.5"):
        keep(config, output)
    assert (output / "run.yaml").read_text() == to_yaml(changed)
    keep(changed, output)


def test_an_edited_run_yaml_is_not_believed(output: Path, config: RunConfig, tmp_path: Path) -> None:
    """Somebody edits run.yaml beside the ledger so that another seed is let in: the last start's fingerprint says that
    the orders are not of it."""
    carry(config, output)
    other = replace(config, seed=config.seed + 1)
    (output / "run.yaml").write_text(to_yaml(other))
    for refused in (config, other):
        with pytest.raises(OutputError, match="is not the configuration of the run"):
            prepare(refused, output)
    (output / "run.yaml").write_text(to_yaml(config))
    changed = config_with(tmp_path, ("threshold: 0.5", "threshold: 0.3"))
    replay(output, ReplayRequest(), changed, now=time.time)
    prepare(changed, output)
    (output / "run.yaml").write_text(to_yaml(replace(changed, seed=changed.seed + 1)))
    with pytest.raises(OutputError, match="is not the configuration of the run"):
        prepare(replace(changed, seed=changed.seed + 1), output)


def test_an_edit_that_changes_no_sample_is_taken(output: Path, config: RunConfig) -> None:
    """More conductors, say: as on any resume."""
    carry(config, output)
    faster = replace(config, conductors=replace(config.conductors, count=3))
    (output / "run.yaml").write_text(to_yaml(faster))
    assert prepare(faster, output) == prepare(config, output) == output


def test_a_folder_of_an_earlier_program_can_be_resumed(output: Path, config: RunConfig) -> None:
    """It knew fewer keys, so its fingerprint is another: only what both know is compared."""
    carry(config, output)
    with SqliteLedger(output) as ledger:
        ledger.append([RunStarted(1.0, "of fewer keys", {})])
    lines = to_yaml(config).splitlines(keepends=True)
    fewer = [line for line in lines if "  duplicate_similarity:" not in line]
    assert len(fewer) < len(lines)
    (output / "run.yaml").write_text("".join(fewer))
    assert prepare(config, output) == output
    with pytest.raises(OutputError, match="another run's folder"):
        prepare(replace(config, seed=config.seed + 1), output)


def test_a_first_start_that_failed_blocks_nothing(output: Path, config: RunConfig) -> None:
    """Ray could not start: the log of that, and whatever else a run makes before its run.yaml, is no other run."""
    (output / "logs").mkdir()
    (output / "logs" / "driver.jsonl").write_text("{}")
    (output / "live.json").write_text("{}")
    SqliteLedger(output).close()
    assert prepare(config, output) == output


def test_an_address_is_no_folder(config: RunConfig) -> None:
    """From Python, `s3://…` would make a folder of that name: it is refused, and the command that takes it is named."""
    with pytest.raises(OutputError, match="is begun with `gleaner run --output s3://…`"):
        prepare(config, Path("s3://bucket/run"))
    assert not Path("s3:").exists()
