"""Keys of earlier versions: refused in a file that somebody writes, passed over in a folder that a run left."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from actors.dataset.manifest import read_config
from deployments.config.identity import plain
from deployments.config.load import load, load_text
from deployments.config.schema import sections
from deployments.folder.output import prepare
from deployments.terminal.proof import verified
from schemas.audit import Severity
from schemas.config import HttpEngine, Replicas, RunConfig, TransformersEngine, VllmEngine
from schemas.config_base import Config, gone_keys
from schemas.config_bounds import Queue
from schemas.config_credit import Credit
from schemas.config_recovery import Recovery
from schemas.errors import ConfigError
from tests.deployments.config.test_load import CONFIG, MATH, WHOLE
from tests.deployments.folder.test_output import carry
from tests.deployments.folder.test_replay import CONFIG as RUN
from tests.deployments.folder.test_replay import write_config
from tests.deployments.test_cli import gleaner

PLACES: dict[type[Config], str] = {
    VllmEngine: "pools.generator-large.engine",
    TransformersEngine: "pools.generator.engine",
    HttpEngine: "gates.reward.engine",
    Replicas: "pools.generator.replicas",
    Recovery: "recovery",
    Credit: "credit",
    Queue: "queue",
}
GONE = [(section.cls, key) for section in sections() for key in gone_keys(section.cls)]


def inside(values: dict[str, Any], path: str) -> dict[str, Any]:
    """The section at a path, made where there is none."""
    for name in path.split("."):
        values[name] = values.get(name) or {}
        values = values[name]
    return values


@pytest.mark.parametrize(("section", "key"), GONE, ids=lambda value: value if isinstance(value, str) else None)
def test_a_gone_key_says_what_to_do(section: type[Config], key: str) -> None:
    """One line with the key's path, where an old file is opened again."""
    values = yaml.safe_load(MATH if section is Credit else WHOLE)
    inside(values, PLACES[section])[key] = 1
    with pytest.raises(ConfigError) as raised:
        load_text(yaml.safe_dump(values), "run.yaml")
    words = gone_keys(section)[key]
    assert str(raised.value) == f"run.yaml: {PLACES[section]}.{key}: no longer a key: {words}"
    assert words.startswith(("leave it out; ", "it is "))
    assert "\n" not in words


def test_no_gone_key_is_a_key_again() -> None:
    """A name that comes back with another meaning is no longer refused as gone."""
    for section, key in GONE:
        assert key not in section.__struct_fields__


def old(part: Any) -> Any:
    """A part of a configuration as an earlier version wrote it, with every key that it had then."""
    match part:
        case Config():
            tag = {} if (field := part.__struct_config__.tag_field) is None else {field: part.__struct_config__.tag}
            values = {name: old(getattr(part, name)) for name in part.__struct_fields__}
            return tag | values | dict.fromkeys(gone_keys(type(part)), 1)
        case dict():
            return {key: old(item) for key, item in part.items()}
    return plain(part)


@pytest.mark.parametrize("config", [CONFIG, load_text(f"{MATH}credit: {{}}\n")], ids=["grounded", "math"])
def test_a_folder_of_an_earlier_version_holds_the_same_run(tmp_path: Path, config: RunConfig) -> None:
    """Its run.yaml has keys that mean nothing any more; all else of it is read as it stands."""
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(old(config)))
    assert read_config(tmp_path) == config


def test_an_earlier_folder_is_verified_reported_and_exported(tmp_path: Path) -> None:
    """`verify` finds no fault: it says that nobody can tell whether run.yaml was edited, and checks all else."""
    config = load(write_config(tmp_path / "run.yaml", RUN))
    output = prepare(config, tmp_path / "run")
    carry(config, output)
    before = verified(output).findings
    (output / "run.yaml").write_text(yaml.safe_dump(old(config)))
    added = [each for each in verified(output).findings if each not in before]
    assert [(each.where, each.severity) for each in added] == [("run.yaml", Severity.WARNING)]
    for command in ("report", "export"):
        told = gleaner(command, output, *(["--format", "sft"] if command == "export" else []))
        assert told.exit_code == 0, told.stderr
