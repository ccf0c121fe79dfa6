"""Rows of columns in place of texts: what a record becomes, and what is refused."""

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.corpus.chunker import Chunker
from actors.corpus.reader import read
from actors.text.rows import row_in, row_text
from schemas.config import Chunking, Corpus
from schemas.corpus import Document, DocumentRefused, RefusalReason

COLUMNS = ("topic", "level")


def corpus(path: Path) -> Corpus:
    return Corpus(paths=(str(path),), columns=COLUMNS)


def texts(found: list[Document | DocumentRefused]) -> list[str]:
    return [each.text for each in found if isinstance(each, Document)]


def test_a_record_of_any_format_becomes_the_same_row(tmp_path: Path) -> None:
    """Other columns are left out; numbers stand as they are written, an empty cell is an empty text."""
    records = [{"topic": "salt", "level": "3", "more": "x"}, {"topic": "Größe\n2", "level": None}]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(each) for each in records))
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text('topic;level;more\nsalt;3;x\n"Größe\n2";;\n')
    expected = ['{"topic": "salt", "level": "3"}', '{"topic": "Größe\\n2", "level": ""}']
    for name in ("a.jsonl", "a.parquet", "a.csv"):
        assert texts(list(read(corpus(tmp_path / name)))) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (3, "3"), (0.5, "0.5"), (Decimal("1.50"), "1.50"), (True, "true"), (None, "")],
)
def test_a_value_stands_as_text(value: object, text: str, tmp_path: Path) -> None:
    """Of Parquet, whose values have types."""
    pq.write_table(pa.Table.from_pylist([{"topic": "t", "level": value}]), tmp_path / "a.parquet")
    (found,) = texts(list(read(corpus(tmp_path / "a.parquet"))))
    assert row_in(found, COLUMNS) == {"topic": "t", "level": text}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"topic": "salt"}', "line 1: no field 'level' (corpus.columns); it has: topic"),
        (
            '{"topic": "salt", "level": [1]}',
            "line 1: field 'level' (corpus.columns) is list, neither text nor a number",
        ),
        ('{"topic": "salt", "level": NaN}', "line 1: field 'level' (corpus.columns) is float, neither text nor a "),
        ('{"topic": " ", "level": null}', "line 1: nothing in topic, level (corpus.columns)"),
    ],
)
def test_a_record_that_is_no_row_is_refused(line: str, says: str, tmp_path: Path) -> None:
    """With its place, as every other one."""
    (tmp_path / "a.jsonl").write_text(line)
    (found,) = read(corpus(tmp_path / "a.jsonl"))
    assert isinstance(found, DocumentRefused) and found.reason is RefusalReason.BAD_RECORD
    assert found.detail.startswith(says)


@pytest.mark.parametrize("name", ["a.txt", "a.html"])
def test_a_text_is_no_row(name: str, tmp_path: Path) -> None:
    """It has no columns."""
    (tmp_path / name).write_text("salt")
    (found,) = read(corpus(tmp_path / name))
    assert isinstance(found, DocumentRefused)
    assert found.detail == "a text, not records with a field 'topic' (corpus.columns)"


def test_a_table_without_the_column_is_refused(tmp_path: Path) -> None:
    """By its head."""
    (tmp_path / "a.csv").write_text("topic,lvl\nsalt,3\n")
    (found,) = read(corpus(tmp_path / "a.csv"))
    assert isinstance(found, DocumentRefused)
    assert found.detail == "no column 'level' (corpus.columns); it has: topic, lvl"


def test_a_long_row_is_one_passage(tmp_path: Path) -> None:
    """Half a row is no row."""
    (tmp_path / "a.jsonl").write_text(json.dumps({"topic": "salt. " * 200, "level": "x"}))
    (found,) = read(corpus(tmp_path / "a.jsonl"))
    assert isinstance(found, Document)
    (passage,) = Chunker(Chunking(max_tokens=8)).passages(found)
    assert passage.text == found.text


@pytest.mark.parametrize("text", ["", "salt", "[1]", '{"topic": 3}', '{"topic": {}}', "[" * 100_000])
def test_a_text_that_is_no_row_has_empty_columns(text: str) -> None:
    """Reading never raises, whatever a reader of one's own gives."""
    assert row_in(text, COLUMNS) == {"topic": "", "level": ""}
    assert row_in(row_text({"topic": "a"}), COLUMNS) == {"topic": "a", "level": ""}
