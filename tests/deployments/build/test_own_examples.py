"""The examples of code of one's own are as small as is promised, and the pages quote them truly."""

import re
from pathlib import Path

import pytest

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
