"""The pages of tasks in YAML alone: what a reader copies from them loads, and does what the page says."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

import gleaner
from deployments.config.load import load_text
from schemas.config import CustomEngine, Pool, RunConfig
from schemas.config_gates import RuleGate, shares
from tests.oracle.life import live
from tests.oracle.worlds import World, grounded

PAGES = Path(__file__).parents[3] / "docs" / "tasks"
SHORT = 30
"""Lines of a first task, which a reader types into an empty file."""
INSTANT = CustomEngine(factory="tests.doubles.engines:instant")


def blocks(page: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)


def first(page: str) -> RunConfig:
    return load_text(blocks(page)[0], page)


@pytest.mark.parametrize("page", ["prompted.md", "preference.md", "rewriting.md"])
def test_a_whole_task_is_short_and_loads(page: str) -> None:
    """From an empty file to a run."""
    assert len(blocks(page)[0].splitlines()) < SHORT
    assert first(page).task.student  # type: ignore[union-attr]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_each_way_of_rewriting_loads(number: int) -> None:
    """A block of the page in the place of the line that it stands for."""
    whole, *others = blocks("rewriting.md")
    line = others[number - 1]
    there = r"  fields:\n.*\n" if line.startswith("  fields") else r"  whole: .*\n"
    changed, times = re.subn(there, lambda _: line, whole)
    assert times == 1 and changed != whole
    assert load_text(changed).gates


def test_the_page_of_rewriting_judges_a_share() -> None:
    """Rules see every draft."""
    assert shares(first("rewriting.md").gates) == {"faithfulness": 0.05}


async def test_answers_to_one_prompt_become_pairs(tmp_path: Path) -> None:
    """The page's task, whose rule gives graded scores: one prompt a passage, and the better answer is chosen."""
    config = replace(
        first("preference.md"),
        pools={"generator": Pool(engine=INSTANT)},
        gates={"letters": RuleGate(check="min(1, 0.1 + count(answer, 'a') / 5)")},
    )
    folder = tmp_path / "run"
    folder.mkdir()
    await live(World(config, grounded().passages), folder, None)
    export = gleaner.export(folder, "dpo_ranked", tmp_path / "pairs")
    rows = pq.read_table(tmp_path / "pairs" / "train").to_pylist()
    assert len(rows) == export.rows > 10
    for row in rows:
        best, worse = (row[f"{side}_origin"]["scores"]["letters"] for side in ("chosen", "rejected"))
        assert best > worse and row["prompt"][0]["content"].endswith("What does this say?")
    assert {bool(row["rejected_origin"]["rejected_by"]) for row in rows} == {True, False}
