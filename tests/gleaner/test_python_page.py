"""Every example of docs/python.md runs, in order, as a reader would try them one after the other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

import gleaner
from benchmarks.loop import configuration, write_corpus
from deployments.config.load import to_yaml
from schemas.config import Recovery

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


@pytest.fixture(scope="module")
def folder(ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the page says its reader has: a run.yaml with its corpus, and labelled rows."""
    folder = tmp_path_factory.mktemp("python")
    write_corpus(folder / "corpus.jsonl", 12)
    config = configuration(folder / "corpus.jsonl", rejected=0.3, concurrency=32)
    (folder / "run.yaml").write_text(to_yaml(replace(config, recovery=Recovery(max_attempts=1))))
    rows = [
        {"passage": "Ann was born in 1815.", "question": "When was Ann born?", "answer": answer, "label": label}
        for answer, label in (("1815", True), ("1816", False))
    ]
    (folder / "labelled.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        yield folder


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_example_runs(number: int, folder: Path) -> None:
    """A page whose examples do not run teaches the wrong thing."""
    exec(compile(EXAMPLES[number], f"{PAGE.name}, example {number + 1}", "exec"), {"__name__": "__main__"})


def test_every_call_has_an_example() -> None:
    """What the door offers is shown."""
    calls = [name for name in gleaner.__all__ if name[0].islower()]
    text = "".join(EXAMPLES)
    assert [name for name in calls if f"gleaner.{name}(" not in text] == []
