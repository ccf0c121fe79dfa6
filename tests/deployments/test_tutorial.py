"""docs/tutorial.md as a newcomer follows it: its file is written, and each of its commands is given to a shell, in
order, with the small models that ship."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from actors.ledger.folder import Ledgers
from deployments.terminal.reading import summary_of
from tests.doubles.absent import PATH

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLED = ("make install", "source .venv/bin/activate")
"""What a test cannot do again: it runs in what they have made (`.ci/run`)."""
ORDERS = 12 * 3
TROUBLED = 1
"""`gleaner doctor` on a machine that lacks something: it says so, and the run may go on."""


def blocks() -> list[tuple[str, str]]:
    """The page's blocks in order: their kind and their text."""
    return BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def commands() -> list[str]:
    """What is typed, a line each."""
    return [line[2:] for kind, text in blocks() if kind == "console" for line in text.splitlines()]


def test_every_block_is_one_that_is_followed() -> None:
    """Each console line is a command; a block of another kind would be run by nobody."""
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("```") == 2 * len(blocks())
    assert all(line.startswith("$ ") for kind, block in blocks() if kind == "console" for line in block.splitlines())
    assert [kind for kind, _ in blocks()].count("yaml") == 1
    assert tuple(commands()[: len(INSTALLED)]) == INSTALLED
    assert re.search(r"^install:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(540)
def test_from_nothing_to_a_dataset(tmp_path: Path) -> None:
    """An empty folder beside the examples. Every command ends well, and the dataset is there."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "bin").mkdir()
    for name, module in (("gleaner", "deployments.cli"), ("python", "")):
        start = f"-c 'from {module} import main; main()'" if module else ""
        (tmp_path / "bin" / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {start} "$@"\n')
        (tmp_path / "bin" / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": f"{ROOT}:{PATH}"}
    (configuration,) = (text for kind, text in blocks() if kind == "yaml")
    folder, said = tmp_path, {}
    for command in commands()[len(INSTALLED) :]:
        done = subprocess.run(["bash", "-euc", command], cwd=folder, env=environment, capture_output=True, text=True)
        allowed = (0, TROUBLED) if command.startswith("gleaner doctor") else (0,)
        assert done.returncode in allowed, f"{command}\n{done.stdout}\n{done.stderr}"
        said[command] = done.stdout
        if command.endswith("cd first"):
            folder = tmp_path / "first"
            (folder / "mine.yaml").write_text(configuration, encoding="utf-8")
    with Ledgers(folder / "runs" / "mine") as ledgers:
        counts = summary_of(ledgers).counts
    assert (counts.issued, counts.outstanding) == (ORDERS, 0) and counts.accepted > ORDERS / 3
    rows = [path.read_text().splitlines() for path in (folder / "sft").rglob("*.jsonl")]
    assert sum(map(len, rows)) == counts.accepted
    assert any("passage" in shown for command, shown in said.items() if command.startswith("python"))
