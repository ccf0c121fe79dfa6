"""The process that extracts: what it survives, and what the corpus reader makes of its answers."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.corpus.chunker import Chunker
from actors.corpus.extract import child
from actors.corpus.extract.answers import Limits
from actors.corpus.extract.child import ExtractingReader
from actors.corpus.files import CorpusFile
from actors.corpus.reader import read
from actors.corpus.records import Item, Text
from schemas.config import Chunking, Corpus
from schemas.corpus import Document, DocumentRefused, RefusalReason
from schemas.errors import CorpusError
from tests.actors.corpus.conftest import Write
from tests.actors.corpus.extract.made import docx, epub, paragraph, pdf
from tests.actors.text.test_parquet import BOUND_MIB, read_in_a_child

CONFIG = Corpus(paths=(".",))
GOOD = docx(paragraph("Good."))


@pytest.fixture
def reader() -> Iterator[ExtractingReader]:
    made = ExtractingReader(Limits(memory_mib=200, time_s=0.5))
    yield made
    made.close()


def read_one(reader: ExtractingReader, name: str, data: bytes, config: Corpus = CONFIG) -> list[Item]:
    suffix = "." + name.rsplit(".", 1)[1]
    return list(reader(CorpusFile(name, suffix, lambda: io.BytesIO(data), len(data), compressed=False), config))


def test_it_outlives_what_it_is_given(reader: ExtractingReader) -> None:
    """A page whose tree costs minutes, a page that takes more memory than there is, a text over the limit: a line each,
    and the next file is read."""
    bound = Corpus(paths=(".",), max_document_bytes=1000)
    for name, data, config, reason, says in (
        ("a.html", b"<div>" * 100_000, CONFIG, RefusalReason.TOO_LARGE, "it takes more than 0.5 s of processor time"),
        ("b.html", b"<p>x" * 300_000, CONFIG, None, ""),
        (
            "c.docx",
            docx(paragraph("ab " * 400)),
            bound,
            RefusalReason.TOO_LARGE,
            "its text is larger than",
        ),
        ("d.docx", GOOD, Corpus(paths=(".",), answer_field="a"), RefusalReason.BAD_RECORD, "a text, not records"),
    ):
        [refused] = read_one(reader, name, data, config)
        assert isinstance(refused, DocumentRefused), name
        assert reason is None or refused.reason is reason
        assert refused.detail.startswith(says)
        [text] = read_one(reader, "good.docx", GOOD)
        assert isinstance(text, Text)
        assert text.text == "Good."


def test_a_process_that_died_is_replaced(reader: ExtractingReader) -> None:
    """Somebody kills it, or a library crashes: the next file is read by another."""
    [before] = read_one(reader, "a.docx", GOOD)
    assert reader._process is not None
    reader._process.kill()
    reader._process.wait()
    [lost] = read_one(reader, "a.docx", GOOD)
    assert isinstance(lost, DocumentRefused)
    assert lost.detail == "the process that read it ended (code -9)"
    assert read_one(reader, "a.docx", GOOD) == [before]


def test_a_file_is_large(reader: ExtractingReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up where the limit is passed, however much follows."""
    monkeypatch.setattr(child, "MOST_BYTES", 1000)
    [refused] = read_one(reader, "a.pdf", pdf(["x"]) + bytes(1000))
    assert isinstance(refused, DocumentRefused)
    assert refused.detail == "a file of more than 1,000 bytes"


def test_documents_as_they_are(write: Write, tmp_path: Path) -> None:
    """A folder of every kind: each passage is a slice of the text, and knows its place, its terms and what read it."""
    write("docs/a.pdf", pdf(["Page one.", None, "Page three."]))
    write("docs/b/c.epub", epub(["<h1>One</h1><p>First.", "<h1>Two</h1><p>Second."], rights="CC0"))
    write("docs/d.docx", docx(paragraph("Word.")))
    write("docs/e.html", "<p>Web.</p>")
    write("docs/f.csv", "text,id\nRow.,r\n")
    write("docs/g.md", "---\nlicense: MIT\n---\nText.\n")
    write("docs/h.py", "x = 1\n")
    config = Corpus(paths=("./docs",), licenses={"docs": "CC BY", "./docs/d.docx": "Ours"})
    found = list(read(config, tmp_path))
    chunker = Chunker(Chunking(max_tokens=16, by="headings"))
    seen: list[tuple[str, str | None, str | None, str]] = []
    for document in found:
        if isinstance(document, Document):
            for passage in chunker.passages(document):
                where = passage.provenance
                assert passage.text == document.text[where.start : where.end]
                library = (where.extractor or "").split("/")[0]
                seen.append((where.uri.removeprefix("docs/"), where.place, where.license, library))
    assert seen == [
        ("a.pdf", "pages 1–3", "CC BY", "pypdfium2"),
        ("b/c.epub", "chapter 1", "CC0", "selectolax"),
        ("b/c.epub", "chapter 2", "CC0", "selectolax"),
        ("d.docx", "paragraph 1", "Ours", "docx"),
        ("e.html", "element 1", "CC BY", "selectolax"),
        ("f.csv#record=0", "line 2", "CC BY", ""),
        ("g.md", None, "MIT", ""),
    ]
    assert [(each.uri, each.reason) for each in found if isinstance(each, DocumentRefused)] == [
        ("docs/a.pdf#page=2", RefusalReason.EMPTY)
    ]


def test_the_process_ends_with_the_reading(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the reading is given up half-way."""
    made: list[ExtractingReader] = []

    class Remembered(ExtractingReader):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    monkeypatch.setattr("actors.corpus.reader.ExtractingReader", Remembered)
    write("a.docx", GOOD)
    write("b.docx", GOOD)
    documents = read(CONFIG, tmp_path)
    assert isinstance(next(documents), Document)
    process = made[0]._process
    assert process is not None
    documents.close()  # type: ignore[attr-defined]
    assert process.poll() is not None


def test_a_missing_package_is_said_at_once(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is paid for; a corpus without such files does not ask for it."""
    monkeypatch.setattr("actors.corpus.sources.is_missing", lambda suffix: suffix == ".pdf")
    write("docs/a.txt", "Text.")
    write("docs/sub/b.PDF", pdf(["x"]))
    with pytest.raises(CorpusError, match=r"docs/sub/b.PDF cannot be read .* pip install 'gleaner\[documents\]'"):
        read(Corpus(paths=("docs",)), tmp_path)
    assert len(list(read(Corpus(paths=("docs",), include=("*.txt",)), tmp_path))) == 1


@pytest.mark.slow
def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    """Reading it takes more than its process may have: a line, and the reader itself stays small."""
    (tmp_path / "a.html").write_bytes(b"<p>x</p>" * 4_000_000)
    documents, reasons, peak = read_in_a_child(tmp_path / "a.html")
    assert (documents, len(reasons)) == (0, 1)
    assert peak < BOUND_MIB
