"""`gleaner verify` on run.yaml: an edit that makes other samples is found, and what a run or a replay leaves is not."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.ledger.reopen import ReplayRequest
from actors.ledger.sqlite import SqliteLedger
from deployments.build.wiring import models, started
from deployments.config.load import load, load_text, to_yaml
from deployments.config.recorded import is_edited
from deployments.folder.output import prepare
from deployments.folder.proof import verified
from deployments.folder.replay import replay
from schemas.audit import Severity
from schemas.config import GroundedAnswer, RunConfig
from schemas.ledger import Reconfigured, RunStarted
from tests.deployments.folder.test_output import carry
from tests.deployments.folder.test_replay import CONFIG, config_with, write_config

NOT_ASKED = "is not the configuration of the run: the ledger has another fingerprint"
LOWER = ("threshold: 0.5", "threshold: 0.3")


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    return load(write_config(tmp_path / "run.yaml", CONFIG))


@pytest.fixture
def output(tmp_path: Path, config: RunConfig) -> Path:
    """A folder as a run left it."""
    folder = prepare(config, tmp_path / "run")
    carry(config, folder)
    return folder


def said_of_config(output: Path) -> dict[str, Severity]:
    return {found.what: found.severity for found in verified(output).findings if found.where == "run.yaml"}


def write(output: Path, config: RunConfig) -> None:
    (output / "run.yaml").write_text(to_yaml(config))


def hotter(config: RunConfig) -> RunConfig:
    """Another temperature: neither the gates nor any row know of it."""
    assert isinstance(config.task, GroundedAnswer)
    sampling = replace(config.task.sampling, temperature=0.1)
    return replace(config, task=replace(config.task, sampling=sampling))


def another_seed(config: RunConfig) -> RunConfig:
    return replace(config, seed=config.seed + 1)


@pytest.mark.parametrize("edit", [hotter, another_seed])
def test_an_edited_run_yaml_is_found(output: Path, config: RunConfig, edit: Callable[[RunConfig], RunConfig]) -> None:
    """Somebody makes the folder look as if it was made otherwise."""
    assert said_of_config(output) == {}
    write(output, edit(config))
    assert said_of_config(output) == {NOT_ASKED: Severity.ERROR}


def test_what_changes_no_sample_is_no_edit(output: Path, config: RunConfig) -> None:
    """More conductors from now on: the next start recorded the same fingerprint."""
    write(output, replace(config, conductors=replace(config.conductors, count=3)))
    assert said_of_config(output) == {}


def test_what_a_replay_changed_is_no_edit_and_anything_more_is(output: Path, config: RunConfig, tmp_path: Path) -> None:
    """The ledger holds what was changed, key by key; a start after it holds the new fingerprint."""
    changed = config_with(tmp_path, LOWER)
    assert replay(output, ReplayRequest(), changed, now=time.time).orders
    assert said_of_config(output) == {}
    write(output, hotter(changed))
    assert said_of_config(output) == {NOT_ASKED: Severity.ERROR}
    write(output, changed)
    with SqliteLedger(output) as ledger:
        ledger.append([started(changed, at=1.0)])
    assert said_of_config(output) == {}


def test_a_replay_that_died_before_it_wrote_run_yaml_is_no_edit(
    output: Path, config: RunConfig, tmp_path: Path
) -> None:
    """The ledger comes first, run.yaml second."""
    changed = config_with(tmp_path, LOWER)
    told = ("gates.faithfulness.threshold: 0.5 → 0.3",)
    with SqliteLedger(output) as ledger:
        ledger.append([Reconfigured(1.0, to_yaml(config), models(config), told)])
    assert said_of_config(output) == {}
    write(output, changed)
    assert said_of_config(output) == {}
    write(output, another_seed(config))
    assert said_of_config(output) == {NOT_ASKED: Severity.ERROR}


def test_of_another_program_nobody_can_tell(output: Path, config: RunConfig) -> None:
    """It knew fewer keys, so its fingerprint is another: said, and no fault."""
    with SqliteLedger(output) as ledger:
        ledger.append([RunStarted(1.0, "of fewer keys", {})])
    lines = to_yaml(config).splitlines(keepends=True)
    (output / "run.yaml").write_text("".join(line for line in lines if "  duplicate_similarity:" not in line))
    assert list(said_of_config(output).values()) == [Severity.WARNING]


def test_a_text_that_repeats_itself_is_not_read(output: Path, config: RunConfig) -> None:
    """No run writes an alias, and a few of them stand for more than memory holds."""
    text = to_yaml(config)
    shares = text.replace("options: {}", "options: &o {}", 1).replace("options: {}", "options: *o", 1)
    assert load_text(shares) == config
    before = Reconfigured(1.0, text, {}, ())
    assert is_edited(output / "run.yaml", before) is False
    assert is_edited(output / "run.yaml", replace(before, before=shares)) is None
    (output / "run.yaml").write_text(shares)
    assert is_edited(output / "run.yaml", before) is None
