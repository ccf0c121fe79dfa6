"""`cd FOLDER && gleaner …`: what lies in the folder that one stands in is data, whatever it is called."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.dataset.manifest import read_config
from deployments.build.own_code import VARIABLE, factory_of
from deployments.config.load import to_yaml
from schemas.config_bounds import SinkConfig
from schemas.config_corpus import CorpusReader
from schemas.config_tasks import CustomTask
from tests.deployments.folder.test_replay import folder_of

SCRIPT = [sys.executable, "-P", "-c", "from deployments.cli import main; main()"]
"""As the console script does it: nothing of the folder one stands in is on its path."""
ROOT = Path(__file__).parent.parent.parent
PLANTED = (
    "numpy.py", "pyarrow.py", "org/python/core.py", "winreg.py", "sitecustomize.py", "uvloop.py", "yaml.py", "ray.py",
    "sympy.py", "multiprocessing.py", "setproctitle.py", "psutil.py", "rich.py", "msgspec.py", "_winapi.py",
)  # fmt: skip


def planted(folder: Path) -> Path:
    """Puts modules there that write a file when they run; gives that file."""
    marker = folder.parent / "marker"
    for name in PLANTED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"open({str(marker)!r}, 'a').write({name!r} + '\\n')")
    return marker


def gleaner(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in (VARIABLE, "PYTHONPATH")}
    environment |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path and path != str(folder))}
    return subprocess.run([*SCRIPT, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["status", "verify", "report", "policy"])
def test_looking_at_a_folder_from_within_runs_nothing_of_it(command: str, tmp_path: Path) -> None:
    """A stranger's run, or a corpus, holds modules in the names of those that Python and our libraries look for."""
    folder = folder_of(tmp_path / "run")
    marker = planted(folder)
    told = gleaner(folder, command, ".")
    assert told.returncode in (0, 1), told.stderr
    assert not marker.exists(), marker.read_text()


CODE = [["export", ".", "--format", "sft"], ["replay", "."], ["replay", ".", "--rescore"], ["repair", "."]]


@pytest.mark.slow
@pytest.mark.parametrize("command", CODE, ids=" ".join)
def test_a_folder_whose_task_is_code_runs_none_of_it(command: list[str], tmp_path: Path) -> None:
    """A stranger's run.yaml names a class, which lies in the folder or is installed: each command that would need it
    says that whoever gives the command must name it."""
    folder = folder_of(tmp_path / "run")
    marker = tmp_path / "marker"
    (folder / "planted.py").write_text(f"open({str(marker)!r}, 'w')")
    config = read_config(folder)
    assert config is not None
    (folder / "run.yaml").write_text(to_yaml(replace(config, task=CustomTask(task="planted:Task"))))
    before = (folder / "ledger.sqlite").read_bytes()
    told = gleaner(folder, *command)
    assert (told.returncode, marker.exists()) == (2, False), told.stderr
    assert "its task is code (planted:Task), and a folder runs none" in " ".join(told.stderr.split())
    assert (folder / "ledger.sqlite").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("command", ["verify", "policy", "report"])
def test_a_folder_that_names_readers_repairs_and_sinks_runs_none(command: str, tmp_path: Path) -> None:
    """What they made is in the records; nobody who looks at the folder needs them."""
    folder = folder_of(tmp_path / "run")
    marker = tmp_path / "marker"
    (folder / "planted.py").write_text(f"open({str(marker)!r}, 'w')")
    config = read_config(folder)
    assert config is not None
    planted_in = replace(
        config,
        corpus=replace(config.corpus, readers={".csv": CorpusReader(reader="planted:rows")}),
        recovery=replace(config.recovery, own_repairs={"mine": "planted:mine"}, repairs={"parametric": ("mine",)}),
        dataset=replace(config.dataset, sinks={"mine": SinkConfig(factory="planted:Sink")}),
    )
    (folder / "run.yaml").write_text(to_yaml(planted_in))
    told = gleaner(folder, command, ".")
    assert told.returncode in (0, 1), told.stderr
    assert not marker.exists()


CONFIG = """
corpus: {paths: [./docs]}
task: {kind: grounded_answer, samples_per_passage: 1}
pools: {generator: {engine: {kind: custom, factory: "my_engines:instant"}, replicas: {num_cpus: 0.2}}}
gates:
  faithfulness:
    {form: classifier, engine: {kind: custom, factory: "my_engines:instant"}, replicas: {num_cpus: 0.2}}
  reward: {form: classifier, engine: {kind: custom, factory: "my_engines:instant"}, replicas: {num_cpus: 0.2}}
"""


@pytest.mark.ray
@pytest.mark.slow
def test_a_run_takes_its_engines_from_where_one_stands_and_nothing_else(tmp_path: Path) -> None:
    """`kind: custom` names a module that lies beside the command: found by every worker, last of all."""
    folder = tmp_path / "work"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "a.txt").write_text("The harbour of Amber Heron holds ten ships.")
    (folder / "run.yaml").write_text(CONFIG)
    (folder / "my_engines.py").write_text("from tests.doubles.engines import instant")
    marker = planted(folder)
    told = gleaner(folder, "run", "run.yaml", "-o", "out", "--quiet", "--json")
    assert told.returncode == 0, told.stderr
    assert (folder / "out" / "manifest.json").is_file()
    assert not marker.exists(), marker.read_text()


def test_a_factory_comes_from_what_is_installed_before_it_comes_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder joins the path for a module that lies there, and for no other."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    (tmp_path / "json.py").write_text("dumps = None")
    (tmp_path / "gleaner_own_engine.py").write_text("def made(): return 'mine'")
    assert factory_of("json:dumps") is not None
    with pytest.raises(ImportError):
        factory_of("gleaner_nowhere:made")
    assert str(tmp_path) not in sys.path
    assert factory_of("gleaner_own_engine:made")() == "mine"
    assert sys.path[-1] == str(tmp_path)
