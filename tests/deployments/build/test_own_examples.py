"""The examples of code of one's own are as small as is promised, and the pages quote them truly."""

import json
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.build import own_code
from deployments.cli import app

ROOT = Path(__file__).parents[3]
EXAMPLES = {
    "examples/summaries/task.py": ("docs/tasks/own.md", 40),
    "examples/gates/length.py": ("docs/gates.md", 20),
    "examples/repairs/shorter.py": ("docs/recovery.md", 40),
    "examples/readers/table.py": ("docs/corpus.md", 40),
    "examples/sinks/lines.py": ("docs/sinks.md", 40),
}
"""Each with the page that quotes it, and the lines that it stays below."""


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_small_and_quoted_truly(example: str) -> None:
    """A reader copies from the page what is known to work: its lines are the file's, in the file's order."""
    page, limit = EXAMPLES[example]
    lines = (ROOT / example).read_text(encoding="utf-8").splitlines()
    assert len(lines) < limit
    linked = (ROOT / page).read_text(encoding="utf-8").split(f"{example})", 1)[1]
    found = re.search(r"```python\n(.*?)```", linked, re.DOTALL)
    assert found is not None
    quoted, rest = found[1].splitlines(), iter(lines)
    assert len(quoted) > 5
    assert [line for line in quoted if line and line not in rest] == []  # `in` goes on where it stopped


@pytest.mark.parametrize(
    ("code", "check"),
    [
        ("examples.summaries.task:Summary", "it makes a draft of a plain completion"),
        ("examples.gates.length:check", "it judges a plain sample"),
        ("examples.repairs.shorter:shorter", "it gives a directive for a plain draft"),
        ("examples.readers.table:rows", "it reads the sample"),
        ("examples.sinks.lines:JsonLines", "it takes a shard"),
    ],
)
def test_the_command_sees_what_an_example_is(code: str, check: str, tmp_path: Path) -> None:
    """By its types alone: nobody says which of the seams it is for."""
    sample = tmp_path / "one.csv"
    sample.write_text("id,text\na,One.\n")
    done = CliRunner().invoke(app, ["check", code, "--json", *(["--sample", str(sample)] if "readers" in code else [])])
    findings = {each["check"]: each["outcome"] for each in json.loads(done.stdout)["findings"]}
    assert check in findings
    assert done.exit_code == (2 if "sinks" in code else 0), "the sink's folder is an option, which a run has"


def test_code_that_cannot_be_loaded_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that its author forgot to import: what and where, and no traceback."""
    (tmp_path / "hasty_gate.py").write_text("def check(request: Requst) -> bool:\n    return True\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(own_code.VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "path", [*sys.path])
    done = CliRunner().invoke(app, ["check", "hasty_gate:check"])
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
    assert "hasty_gate raises NameError: name 'Requst' is not defined (hasty_gate.py:1)" in done.stderr


@pytest.mark.parametrize(("run", "gate"), [("prompted", "length"), ("summaries", "length"), ("rewriting", "whole")])
def test_a_gate_of_ones_own_fields_is_checked_on_them(run: str, gate: str) -> None:
    """A rule over `summary` is no fault because a question and its answer have none."""
    done = CliRunner().invoke(app, ["check", gate, "--config", str(ROOT / "examples" / f"{run}.yaml"), "--json"])
    found = {each["check"]: each["outcome"] for each in json.loads(done.stdout)["findings"]}
    assert done.exit_code == 0, done.output
    assert found["it judges a plain sample"] == found["it tells a good sample from a spoilt one"] == "passed"
