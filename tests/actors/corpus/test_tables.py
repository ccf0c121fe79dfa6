"""CSV and TSV: a record a row, and an end where no row is certain."""

from pathlib import Path

import pytest

from actors.corpus.reader import read
from schemas.config import Corpus
from schemas.corpus import Document, DocumentRefused
from tests.actors.corpus.conftest import Write


def found(tmp_path: Path, name: str, config: Corpus | None = None) -> tuple[list[tuple[str, str]], list[str]]:
    """Texts with their places, and refusals."""
    items = list(read(config or Corpus(paths=(name,)), tmp_path))
    documents = [item for item in items if isinstance(item, Document)]
    texts = [(item.places.within(0, 1) or "" if item.places else "", item.text) for item in documents]
    return texts, [item.detail for item in items if isinstance(item, DocumentRefused)]


@pytest.mark.parametrize(
    ("name", "data", "texts"),
    [
        ("a.csv", "id,text\r\n1,One.\r\n\r\n2,Two.\r\n", [("line 2", "One."), ("line 4", "Two.")]),
        ("a.csv", 'text,n\n"a ""b"",\nc",1\nd,2', [("line 2", 'a "b",\nc'), ("line 4", "d")]),
        ("a.csv", "\ufeffid;text\n1;a, b\n", [("line 2", "a, b")]),
        ("a.csv", "id|text\n1|a\n".encode("utf-16"), [("line 2", "a")]),
        ("a.csv", "text\nalone\n", [("line 2", "alone")]),
        ("a.tsv", "id\ttext\n\ta,b\n", [("line 2", "a,b")]),
        ("a.csv", f"text\n{'x' * 200_000}\n", [("line 2", "x" * 200_000)]),
    ],
)
def test_rows(write: Write, tmp_path: Path, name: str, data: str | bytes, texts: list[tuple[str, str]]) -> None:
    """Whatever separates them, each with the line that it begins at."""
    write(name, data)
    assert found(tmp_path, name) == (texts, [])


@pytest.mark.parametrize(
    ("data", "good", "says"),
    [
        (b"", 0, "the file holds no records"),
        (b"id,text\n", 0, "the file holds no records but its head"),
        (b"id,body\n1,a\n", 0, "no column 'text' (corpus.text_field); it has: id, body"),
        (b"text,text\n1,a\n", 0, "2 columns are named 'text' (corpus.text_field)"),
        (b"id,text\n1,a\n2\n3,b\n", 2, "line 3: 1 fields, where the head has 2"),
        (b"id,text\n1,a\0b\n2,c\n", 1, "line 2: a NUL character at character 1"),
        (b'id,text\n1,a\n2,"b\n3,c\n', 1, "line 3: unexpected end of data; 1 records before that were read"),
        (b'id,text\n1,"a" b\n2,c\n', 0, "line 2: ',' expected after '\"'; 0 records before that were read"),
        (b"id,text\n1,a\n2,\xff\n3,c\n", 1, "line 3: not utf-8: byte 0xff at byte 14 (invalid start byte); 1 rec"),
        (b"id,text\n1,a\n2," + b"x" * 2000 + b"\n", 1, "line 3: a row longer than corpus.max_document_bytes (1,000)"),
        (b'id,text\n1,a\n2,"' + b"x\n" * 2000, 1, "line 3: a row longer than corpus.max_document_bytes (1,000)"),
        (b"id,text\n" + b"x" * 50, 0, "line 2: 1 fields, where the head has 2"),
        (b"PK\x03\x04\x00\x00\x00,text\n", 0, "the file holds no records but its head"),
    ],
)
def test_odd_tables(write: Write, tmp_path: Path, data: bytes, good: int, says: str) -> None:
    """One line each; what stands before a lost quotation mark is kept, and nothing behind it is guessed."""
    write("a.csv", data)
    texts, [refused] = found(tmp_path, "a.csv", Corpus(paths=("a.csv",), max_document_bytes=1000))
    assert len(texts) == good
    assert refused.startswith(says)


def test_reference_answers(write: Write, tmp_path: Path) -> None:
    """A table of problems."""
    write("a.csv", "text,answer\n1 + 1?,2\n2 + 2?,\n")
    [problem, refused] = read(Corpus(paths=("a.csv",), answer_field="answer"), tmp_path)
    assert isinstance(problem, Document)
    assert problem.reference == "2"
    assert isinstance(refused, DocumentRefused)
    assert refused.detail == "line 3: field 'answer' holds no answer: neither a text nor a number"
