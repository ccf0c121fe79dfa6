"""The built wheel, outside the clone: it carries what the code reads, and makes the quickstart's samples."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.doubles.absent import PATH

pytestmark = [pytest.mark.ray, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PACKAGES = ("actors", "deployments", "gleaner", "schemas")
SCRIPT = """
import actors, deployments, gleaner
from msgspec.structs import replace

if __name__ == "__main__":
    config = gleaner.load("examples/quickstart.yaml")
    with gleaner.run(replace(config, task=replace(config.task, samples_per_passage=1)), "out") as run:
        samples = [sample for sample, _ in zip(run, range(3))]
    report = gleaner.verify("out")
    print(actors.__file__, len(samples), report.ok, sep="|")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the clone."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in (*PACKAGES, "pyproject.toml", "README.md"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    build = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", built, source]
    subprocess.run([sys.executable, "-m", *build], check=True)
    return next(built.glob("*.whl"))


def test_it_carries_what_is_no_code(wheel: Path) -> None:
    """Types, the report's page, the monitoring and the cluster files: whoever installs it has them."""
    with zipfile.ZipFile(wheel) as file:
        there = set(file.namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted - there == set()
    assert {f"{package}/py.typed" for package in PACKAGES} <= there


def test_the_quickstart_runs_from_it_outside_the_clone(wheel: Path, tmp_path: Path) -> None:
    """What a user does after `pip install`: the example's files in a folder, three lines of Python."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(site)
    here = tmp_path / "here"
    shutil.copytree(ROOT / "examples", here / "examples")
    (here / "train.py").write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{PATH}"}
    ran = subprocess.run([sys.executable, "train.py"], cwd=here, env=env, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    place, samples, ok = ran.stdout.strip().splitlines()[-1].split("|")
    assert Path(place).is_relative_to(site)
    assert (samples, ok) == ("3", "True")
