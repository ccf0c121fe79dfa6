"""Sinks as a configuration names them: what is refused, and what a check of one says."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.build.sinks import sink_place
from deployments.cli import app
from deployments.config.identity import differences
from deployments.config.load import load_text, to_yaml
from deployments.run import run
from schemas.config_base import Change
from schemas.config_bounds import SinkConfig
from schemas.errors import ConfigError
from tests.deployments.build.test_gates import refusal
from tests.oracle.worlds import GROUNDED

LINES = 'lines: {factory: "examples.sinks.lines:JsonLines", options: {folder: /nowhere}}'


def run_of(sinks: str) -> str:
    """The oracle's grounded run with these sinks."""
    return GROUNDED.replace("flush_s: 1}", f"flush_s: 1, sinks: {{{sinks}}}}}")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('Lake: {factory: "a:b"}', "dataset.sinks.Lake: a sink's name is of lower-case letters, digits, _ and -"),
        ("lake: {factory: lake}", "dataset.sinks.lake.factory: must be 'module:function'"),
        ("lake: {}", "dataset.sinks.lake.factory: missing"),
        ('lake: {factory: "a:b", options: {token: x}}', "dataset.sinks.lake.options.token: looks like a secret"),
        ('lake: {factory: "a:b", optoins: {}}', "dataset.sinks.lake.optoins: unknown key; did you mean 'options'?"),
    ],
)
def test_what_is_refused(entry: str, says: str) -> None:
    """When the configuration is loaded, in one line with the place."""
    assert refusal(run_of(entry)).startswith(says)


def test_a_sink_comes_and_goes_with_any_resume() -> None:
    """It changes no sample."""
    plain, other = load_text(GROUNDED), load_text(run_of(LINES))
    assert {each.change for each in differences(plain, other)} == {Change.ANY_RESUME}
    assert load_text(to_yaml(other)) == other


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        ("nowhere:Lake", "dataset.sinks.lake.factory: nowhere:Lake cannot be imported"),
        ("examples.sinks.lines:Lines", "dataset.sinks.lake.factory: examples.sinks.lines:Lines is not there"),
        ("sys:path", "dataset.sinks.lake.factory: sys:path is no factory"),
    ],
)
def test_a_run_without_its_sink_does_not_begin(factory: str, says: str, tmp_path: Path) -> None:
    """Before Ray is started and before the folder is made: one line."""
    (tmp_path / "corpus.jsonl").write_text('{"text": "Velmora was founded in 1623."}')
    text = run_of(f'lake: {{factory: "{factory}"}}').replace("[unused]", f"[{tmp_path / 'corpus.jsonl'}]")
    with pytest.raises(ConfigError, match=says):
        run(load_text(text), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_a_factory_gives_must_deliver() -> None:
    """Said where shards are delivered: making it may need a server that is away."""
    place = sink_place("lake", SinkConfig(factory="builtins:dict"))
    with pytest.raises(TypeError, match=r"builtins:dict gives dict, which has no deliver \(docs/sinks\.md\)"):
        place.make()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["lines", "--config", "RUN"], 0, "nothing failed"),
        (["examples.sinks.lines:JsonLines", "--config", "RUN"], 0, "5 checks"),
        (["examples.sinks.lines:JsonLines", "--as", "sink"], 2, "making it raised TypeError"),
        (["lines", "--as", "sink"], 2, "give module:Class, or a sink's name with --config RUN.yaml"),
        (["nowhere:Lake", "--as", "sink"], 2, "cannot be imported"),
    ],
)
def test_the_check_of_a_sink(arguments: list[str], code: int, says: str, tmp_path: Path) -> None:
    """On shards that are made for it."""
    path = tmp_path / "run.yaml"
    path.write_text(run_of(LINES.replace("/nowhere", str(tmp_path / "out"))))
    done = CliRunner().invoke(app, ["check", *(str(path) if each == "RUN" else each for each in arguments)])
    assert says in " ".join((done.output + done.stderr).split())
    assert done.exit_code == code
