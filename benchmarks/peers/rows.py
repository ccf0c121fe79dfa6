"""The rows that a system says it accepted, read from its output folder, and what the server's log says of them.

Law: a row is true if the server wrote its answer about its passage, and that answer is faithful. Distinct are counted
by passage and question, the same for every system: white space and case aside.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow.parquet as pq
from msgspec import Struct

from benchmarks.peers.asked import digest_of
from benchmarks.peers.calls import Call
from benchmarks.simulated.text import is_faithful


class Row(Struct, frozen=True):
    """An accepted row."""

    passage: str
    question: str
    answer: str


class Kept(Struct, frozen=True):
    """`rows`: in the output. `distinct`: different questions of a passage; `true`: those of them with a faithful
    answer. `foreign`: rows whose answer the server never wrote about this passage, or whose passage is not of the
    corpus."""

    rows: int
    distinct: int
    true: int
    foreign: int


def kept(rows: Sequence[Row], calls: Iterable[Call], passages: Iterable[str]) -> Kept:
    """What the rows are worth. A question that stands twice counts as true if any of its answers is."""
    texts = {digest_of(text): text for text in passages}
    wrote = {(call.passage, digest_of(answer)) for call in calls if call.answered for answer in call.wrote}
    seen: dict[tuple[str, str], bool] = {}
    foreign = 0
    for row in rows:
        passage = digest_of(row.passage)
        own = (passage, digest_of(row.answer)) in wrote and passage in texts
        foreign += not own
        key = (passage, " ".join(row.question.casefold().split()))
        seen[key] = seen.get(key, False) or (own and is_faithful(texts[passage], row.answer))
    return Kept(len(rows), len(seen), sum(seen.values()), foreign)


def of_gleaner(folder: Path) -> list[Row]:
    """The rows of a run's shards."""
    rows: list[Row] = []
    for shard in sorted((folder / "dataset").glob("*.parquet")):
        for each in pq.read_table(shard, columns=["passage", "messages"]).to_pylist():
            passage = each["passage"]
            question, answer = (message["content"] for message in each["messages"][-2:])
            rows.append(Row(passage if isinstance(passage, str) else passage["text"], question, answer))
    return rows


def of_lines(paths: Iterable[Path], passage: str, question: str, answer: str) -> list[Row]:
    """The rows of files of JSON lines, by the names of their fields. A torn last line is left out."""
    rows: list[Row] = []
    for path in sorted(paths):
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                each = json.loads(line)
                rows.append(Row(each[passage], each[question], each[answer]))
    return rows
