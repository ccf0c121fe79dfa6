"""A run without documents: its prompt alone, and what is drawn for each order."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

import gleaner
from actors.corpus.chunker import Chunker
from actors.corpus.reader import documents, read
from actors.ledger.files import make_folder
from deployments.config.load import load_text, to_yaml
from deployments.folder.exports import exported
from deployments.folder.proof import verified
from deployments.terminal.preview import passages_of
from schemas.config import Chunking, Corpus, Dataset, Recovery
from schemas.corpus import Document
from schemas.exports import ExportFormat, ExportRequest
from tests.deployments.config.test_load import refusal
from tests.oracle.life import live
from tests.oracle.worlds import World

RUN = """
corpus: {none: 40}
task:
  kind: prompted
  vary:
    topic: [salt, boats, wood, rope]
    level: {easy: 0.2, hard: 0.8}
  fields: [{name: question, what: a question}, {name: answer, what: its answer}]
  ask: "Write a {{ level }} question about {{ topic }} and its answer.{% if previous %} Not: {{ previous }}{% endif %}"
  student:
    - {role: user, content: "{{ question }}"}
    - {role: assistant, content: "{{ answer }}"}
pools:
  generator: {engine: {kind: custom, factory: "tests.doubles.engines:instant"}}
gates:
  low: {form: rule, check: "matches(answer, 'states [0-9]')"}
"""


def test_each_order_has_a_passage_that_says_its_number() -> None:
    """A larger number adds orders and changes none; verify reads the same again."""
    corpus = Corpus(none=3)
    found = list(read(corpus))
    assert all(isinstance(each, Document) for each in found) and len(found) == 3
    assert found == list(read(Corpus(none=5)))[:3]
    assert list(documents(["none:2", "none:9"], corpus)) == found[1:2]
    chunker = Chunker(Chunking())
    passages = [passage for each in found if isinstance(each, Document) for passage in chunker.passages(each)]
    assert [passage.text for passage in passages] == ["Order 1", "Order 2", "Order 3"]


async def test_a_preview_asks_the_prompt_alone() -> None:
    """With what was drawn for each; a repair sees the rejected draft."""
    lives = await gleaner.preview(load_text(RUN), samples=20)
    assert len(lives) == 20
    firsts = [life.attempts[0].candidate for life in lives]
    asked = [first.prompt[-1].content for first in firsts if first is not None]
    assert not any("Order" in said or "Passage" in said for said in asked)
    assert Counter("easy" in said for said in asked) == {True: 4, False: 16}
    assert {said.split(" about ")[1].split()[0] for said in asked} == {"salt", "boats", "wood", "rope"}
    repaired = [life for life in lives if len(life.attempts) > 1]
    again = repaired[0].attempts[1].candidate
    assert again is not None and " Not: Question: " in again.prompt[-1].content


def test_it_is_written_back_as_it_was() -> None:
    """A resume reads the folder's run.yaml."""
    config = load_text(RUN)
    assert load_text(to_yaml(config)) == config


def test_a_preview_takes_no_more_orders_than_there_are() -> None:
    """As of a small corpus."""
    config = load_text(RUN)
    assert len(passages_of(replace(config, corpus=Corpus(none=3)), 20)) == 3


async def test_a_whole_folder_is_proved_and_has_what_was_drawn(tmp_path: Path) -> None:
    """Its documents are read again from nothing; rows, dead letters and exports have the variables."""
    config = replace(load_text(RUN), dataset=Dataset(rows_per_shard=10, flush_s=1), recovery=Recovery(max_attempts=1))
    world = World(config, tuple(passages_of(config, 40)))
    make_folder(tmp_path / "run")
    await live(world, tmp_path / "run", None)
    report = verified(tmp_path / "run")
    assert report.ok and not report.findings, report.findings
    samples, dead = (rows_in(tmp_path / "run" / kind) for kind in ("dataset", "dead_letters"))
    assert len(samples) + len(dead) == 40 and samples and dead
    drawn = Counter(row["vary"]["level"] for row in (*samples, *dead))
    assert drawn == {"easy": 8, "hard": 32}
    exported(tmp_path / "run", ExportRequest(format=ExportFormat.SFT), tmp_path / "sft", at=0.0)
    rows = rows_in(tmp_path / "sft")
    assert {row["origin"]["vary"]["topic"] for row in rows} == {"salt", "boats", "wood", "rope"}
    card = (tmp_path / "run" / "README.md").read_text()
    assert (
        "backed by the exact passage" not in card and "`vary`: what was drawn for the order: `topic`, `level`" in card
    )


def rows_in(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]


FAITHFUL = "  faithfulness: {form: llm, engine: {kind: pool, pool: generator}}\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("none: 40", "none: 0", "corpus.none: must be a whole number at least 1"),
        ("{none: 40}", "{}", "corpus.paths: missing; name files or folders, or give corpus.none: the number of orders"),
        (
            "none: 40",
            "none: 40, paths: [x]",
            "corpus.paths: there is no document to read with corpus.none; leave it out",
        ),
        ("none: 40", "none: 40, chunking: {min_characters: 9}", "corpus.chunking: there is no document to read with "),
        (
            "question about",
            "question about {{ passage }}",
            "task.ask: shows the passage, and with corpus.none there are",
        ),
        (
            '"{{ question }}"',
            '"{{ passage }}"',
            "task.student[0].content: shows the passage, and with corpus.none there",
        ),
        (
            "  vary:",
            "  samples_per_passage: 2\n  vary:",
            "task.samples_per_passage: corpus.none is the number of orders",
        ),
        (
            "  vary:",
            "  samples_per_passage: auto\n  vary:",
            "task.samples_per_passage: auto is until a passage gives no more, and with corpus.none there are none",
        ),
        ("gates:\n", f"gates:\n{FAITHFUL}", "gates.faithfulness: judges against passages, and with corpus.none "),
        ("gates:", "probes: {rate: 0.1, labelled: [x]}\ngates:", "probes.rate: probes are made of passages, and with "),
    ],
)
def test_what_needs_a_passage_is_refused_in_one_line(old: str, new: str, says: str) -> None:
    """Before anything is asked."""
    assert old in RUN
    assert refusal(RUN.replace(old, new, 1)).startswith(says)


def test_a_grounded_task_needs_passages() -> None:
    """Its prompt shows one."""
    start, _, rest = RUN.partition("task:\n")
    text = start + "task: {kind: grounded_answer, samples_per_passage: 1}\npools:" + rest.partition("pools:")[2]
    assert refusal(text).startswith("corpus.none: this task is made of passages; without them task.kind is prompted")


def test_an_example_has_no_passage_either() -> None:
    """And one of a run with passages has one."""
    fields = "fields: {topic: salt, level: easy, question: Is it, answer: It is.}"
    load_text(RUN.replace("  vary:", f"  examples: [{{{fields}}}]\n  vary:"))
    shown = RUN.replace("  vary:", f"  examples: [{{passage: x, {fields}}}]\n  vary:")
    assert refusal(shown).startswith("task.examples[0].passage: shows the passage, and with corpus.none there are none")
