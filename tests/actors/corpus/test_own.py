"""A user's own reader: its documents and refusals are the corpus's, and nothing that it does ends a run."""

import gzip
import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from actors.corpus.chunker import Chunker
from actors.corpus.files import CorpusFile, Skipped, stream, whole
from actors.corpus.own import OwnReader, Reader
from actors.corpus.reader import documents, read
from actors.corpus.records import Item, Text
from examples.readers.table import rows
from schemas.config import Chunking, Corpus
from schemas.config_corpus import CorpusReader
from schemas.corpus import Document, DocumentRefused, RefusalReason
from tests.actors.corpus.conftest import Write

TABLE = 'id,text\na,One.\nb,"Two,\ntoo."\nc,Three.\n'
CSV = Corpus(paths=(".",), readers={".csv": CorpusReader(reader="mine:rows")})
OWN: Mapping[str, Reader] = {".csv": OwnReader("mine:rows", rows)}


Found = tuple[list[Document], list[DocumentRefused]]


def found(base: Path, config: Corpus = CSV, own: Mapping[str, Reader] = OWN) -> Found:
    items = list(read(config, base, own=own))
    texts = [item for item in items if isinstance(item, Document)]
    return texts, [item for item in items if isinstance(item, DocumentRefused)]


def reading(function: Any) -> Mapping[str, Reader]:
    return {".csv": OwnReader("mine:rows", function)}


def test_its_files_are_read_in_folders(write: Write, tmp_path: Path) -> None:
    """Beside those of known formats, packed or not, each record with its place; other files are counted as before."""
    write("a/table.csv", TABLE)
    write("b/table.CSV.gz", gzip.compress(TABLE.replace("a,", "d,").replace("b,", "e,").replace("c,", "f,").encode()))
    write("c/plain.txt", "Plain.")
    write("d/other.doc", "no")
    skipped = Skipped()
    texts = [item for item in read(CSV, tmp_path, skipped, OWN) if isinstance(item, Document)]
    assert [(text.uri, text.text) for text in texts[:2]] == [
        ("a/table.csv#record=0", "One."),
        ("a/table.csv#record=1", "Two,\ntoo."),
    ]
    assert [text.id for text in texts] == ["a", "b", "c", "d", "e", "f", "c/plain.txt"]
    assert skipped.counts() == {".doc": 1}


def test_spans_are_exact_in_what_was_read(write: Write, tmp_path: Path) -> None:
    """Whatever the file's bytes are: a passage is a slice of the text that the reader gave, under that text's hash."""
    write("table.csv", TABLE.replace("One.", "One sentence here. " * 40))
    document = found(tmp_path)[0][0]
    passages = list(Chunker(Chunking(max_tokens=16)).passages(document))
    assert len(passages) > 5
    assert all(document.text[p.provenance.start : p.provenance.end] == p.text for p in passages)
    assert {p.provenance.document_sha256 for p in passages} == {document.sha256}
    assert list(documents([document.uri], CSV, tmp_path, OWN)) == [document]


def test_without_its_code_a_file_is_not_read_otherwise(write: Write, tmp_path: Path) -> None:
    """If the command names no code, no other reader guesses the format, even where the reader replaces ours."""
    write("table.csv", TABLE)
    write("page.md", "# Title")
    config = Corpus(paths=(".",), readers={**CSV.readers, ".md": CorpusReader(reader="mine:pages", in_place_of="ours")})
    texts, refusals = found(tmp_path, config, {})
    assert texts == []
    assert [(each.reason, each.detail) for each in refusals] == [
        (RefusalReason.UNKNOWN_FORMAT, "only mine:pages reads '.md' (corpus.readers), and it is not loaded here"),
        (RefusalReason.UNKNOWN_FORMAT, "only mine:rows reads '.csv' (corpus.readers), and it is not loaded here"),
    ]


def test_a_known_format_is_read_by_a_users_reader(write: Write, tmp_path: Path) -> None:
    """On purpose."""
    write("page.md", "# Title")

    def shouted(source: CorpusFile, config: Corpus) -> Iterator[Item]:
        yield Text(source.uri, whole(source, config.max_document_bytes).decode().upper())

    config = Corpus(paths=(".",), readers={".md": CorpusReader(reader="mine:pages", in_place_of="ours")})
    texts, _ = found(tmp_path, config, {".md": OwnReader("mine:pages", shouted)})
    assert [text.text for text in texts] == ["# TITLE"]


def raises(source: CorpusFile, config: Corpus) -> Iterator[Item]:
    yield Text(f"{source.uri}#record=0", "One.")
    raise RuntimeError("no idea")


def of(*uris_and_texts: tuple[str, Any]) -> Any:
    """A reader that gives these; `@` stands for the file."""

    def reader(source: CorpusFile, config: Corpus) -> Iterator[Any]:
        for uri, text in uris_and_texts:
            yield Text(uri.replace("@", source.uri), text)

    return reader


@pytest.mark.parametrize(
    ("function", "texts", "reason", "detail"),
    [
        (raises, 1, RefusalReason.UNREADABLE, "mine:rows: RuntimeError: no idea; 1 documents before that were read"),
        (lambda source, config: 7, 0, RefusalReason.UNREADABLE, "mine:rows: TypeError: 'int' object is not iterable"),
        (lambda source, config: None, 0, RefusalReason.UNREADABLE, "mine:rows: TypeError"),
        (lambda source, config: ["x"], 0, RefusalReason.UNREADABLE, "mine:rows: it gave str; a reader gives Text"),
        (lambda source, config: (), 0, RefusalReason.EMPTY, "mine:rows found no documents in it"),
        (of(("@", 7)), 0, RefusalReason.UNREADABLE, "mine:rows: the text of table.csv is int"),
        (of(("other.csv", "x")), 0, RefusalReason.UNREADABLE, "mine:rows: 'other.csv' is not a place in the file"),
        (of(("@#record=01", "x")), 0, RefusalReason.UNREADABLE, "is not a place in the file"),
        (of(("@#page=1", "x")), 0, RefusalReason.UNREADABLE, "is not a place in the file"),
        (of(("@", "x"), ("@", "y")), 1, RefusalReason.UNREADABLE, "comes again or too late"),
        (of(("@#record=1", "x"), ("@#record=1", "y")), 1, RefusalReason.UNREADABLE, "comes again or too late"),
        (of(("@#record=1", "x"), ("@", "y")), 1, RefusalReason.UNREADABLE, "comes again or too late"),
        (of(("@#record=1", "x" * 101)), 0, RefusalReason.TOO_LARGE, "corpus.max_document_bytes (100)"),
        (of(("@#record=1", " ")), 0, RefusalReason.EMPTY, "nothing but white space"),
        (of(("@#record=1", "a\0b")), 0, RefusalReason.NUL_BYTES, "a NUL character at character 1"),
        (of(("@#record=1", "a\ud800")), 0, RefusalReason.UNDECODABLE, "half a surrogate pair"),
    ],
)
def test_what_goes_wrong_is_a_refusal_of_its_file(
    function: Any, texts: int, reason: RefusalReason, detail: str, write: Write, tmp_path: Path
) -> None:
    """With its file and its reader; what came before it is kept, and the next file is read."""
    write("table.csv", TABLE)
    write("z.txt", "Plain.")
    config = Corpus(paths=(".",), max_document_bytes=100, readers=CSV.readers)
    read_so, [refusal] = found(tmp_path, config, reading(function))
    assert (len(read_so), read_so[-1].text) == (texts + 1, "Plain.")
    assert refusal.uri.split("#")[0] == "table.csv"
    assert refusal.reason is reason
    assert detail in refusal.detail


def test_reference_answers_are_for_math(write: Write, tmp_path: Path) -> None:
    """A problem without a reference answer is refused, and so is a text with one if none was configured."""
    write("table.csv", "id,text,sum\na,What is 1 + 1?,2\n")
    config = Corpus(paths=(".",), answer_field="sum", readers=CSV.readers)
    assert [text.reference for text in found(tmp_path, config)[0]] == ["2"]
    without = reading(of(("@#record=0", "What?")))
    assert "without a reference answer" in found(tmp_path, config, without)[1][0].detail


def test_a_row_that_cannot_be_used_is_one_refusal(write: Write, tmp_path: Path) -> None:
    """The example, over a table as people make them."""
    write("table.csv", "id;body\na;One.\n;Two.\nc\nd;Four.;more\n")
    write("broken.csv", b"id;body\na;\xff\n")
    config = Corpus(paths=(".",), text_field="body", readers=CSV.readers)
    texts, refusals = found(tmp_path, config, reading(partial(rows, delimiter=";")))
    assert [text.text for text in texts] == ["One.", "Four."]
    assert [each.reason for each in refusals] == [
        RefusalReason.UNREADABLE,
        RefusalReason.BAD_RECORD,
        RefusalReason.BAD_RECORD,
    ]
    assert refusals[0].detail.startswith("mine:rows: 'utf-8' codec can't decode byte 0xff")


def test_a_file_that_is_a_stream_of_blocks(write: Write, tmp_path: Path) -> None:
    """A damaged archive gives what can be read, then OSError; what is larger than asked for is not kept."""
    packed = gzip.compress(os.urandom(100_000))
    write("a.csv.gz", packed)
    write("b.csv.gz", packed[:-20_000])
    seen: list[str] = []

    def sized(source: CorpusFile, config: Corpus) -> Iterator[Item]:
        with stream(source) as plain:
            assert plain.readable() and len(plain.read(10)) == 10
        seen.append(f"{len(whole(source, 100_000)):,}")
        yield Text(source.uri, "x")
        whole(source, 99_999)

    _, refusals = found(tmp_path, own=reading(sized))
    assert seen == ["100,000"]
    assert refusals[0].detail == "mine:rows: larger than 99,999 bytes; 1 documents before that were read"
    assert refusals[1].detail.startswith("mine:rows: Compressed file ended")
