"""`gleaner new`: what it writes keeps to what every one of its kind must, its test passes, its YAML loads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments.build import own_code
from deployments.cli import app
from deployments.config.load import load

KINDS = ("task", "gate", "repair", "reader", "sink")
ROOT = Path(__file__).parents[3]


def gleaner(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the commands are given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(own_code.VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def test_what_is_written_checks_itself(folder: Path) -> None:
    """The first five minutes of whoever writes code of their own: write, check, test, load."""
    for kind in KINDS:
        said = json.loads(gleaner("new", kind, f"fresh_{kind}", "--json").stdout)
        assert sorted(said["files"]) == sorted(path.name for path in folder.glob(f"*fresh_{kind}*"))
        checked = gleaner(*said["check"].split()[1:])
        assert checked.exit_code == 0 and "nothing failed" in checked.stdout, checked.output
        assert load(folder / f"fresh_{kind}.yaml").name == f"fresh_{kind}"
    written = "".join(path.read_text() for path in folder.iterdir() if path.is_file())
    assert "my_" not in written.lower() and "/your/folder" not in written
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "--rootdir", ".", "."]
    tested = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout


def test_nothing_is_written_over(folder: Path) -> None:
    """A file of that name may be a day's work: it stays, and nothing is written beside it."""
    (folder / "test_mine.py").write_text("a day's work")
    refused = gleaner("new", "gate", "mine")
    assert refused.exit_code == 2 and "test_mine.py: there already; nothing was written" in refused.stderr
    assert [path.name for path in folder.iterdir()] == ["test_mine.py"]


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("gate", "Mine", "must be a Python name of lower-case letters"),
        ("gate", "class", "must be a Python name"),
        ("gate", "../mine", "must be a Python name"),
        ("gate", "json", "Python has a module of this name"),
        ("gate", "time", "Python has a module of this name"),
        ("gate", "format", "gates.format: is the name of something that every run has"),
        ("repair", "resample", "resample.yaml: recovery.own_repairs.resample"),
        ("reader", "longer_than_any_suffix_may_be", "must be the last suffix"),
    ],
)
def test_a_name_that_cannot_be_used(folder: Path, kind: str, name: str, said: str) -> None:
    """One line, and nothing is written."""
    refused = gleaner("new", kind, name)
    assert refused.exit_code == 2 and said in refused.stderr and len(refused.stderr.splitlines()) == 1
    assert list(folder.iterdir()) == []
