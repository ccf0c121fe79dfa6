"""What a user's files become: documents under stable names, or refusals that say what is wrong and where."""

import gzip
import json
import os
import shutil
import tracemalloc
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.corpus.reader import document_text, documents, read
from schemas.config import Corpus
from schemas.corpus import Document, DocumentRefused, RefusalReason
from schemas.errors import CorpusError
from tests.actors.corpus.conftest import Write

FIRST = b'{"text": "x", "id": "first"}'


def texts(config: Corpus, base: Path) -> dict[str, str]:
    return {found.uri: found.text for found in read(config, base) if isinstance(found, Document)}


def refusals(config: Corpus, base: Path) -> dict[str, tuple[RefusalReason, str]]:
    return {
        found.uri: (found.reason, found.detail) for found in read(config, base) if isinstance(found, DocumentRefused)
    }


def only_refusal(config: Corpus, base: Path) -> DocumentRefused:
    [found] = read(config, base)
    assert isinstance(found, DocumentRefused)
    return found


def test_a_folder_of_every_format(write: Write, tmp_path: Path) -> None:
    """A mixed folder: each file is read by its ending, sorted by name, under its path as configured."""
    write("docs/b.txt", "Plain.")
    write("docs/a.md", "# Heading")
    write("docs/c.jsonl", [{"text": "One."}, {"text": "Two.", "id": "second"}, {"text": "Three.", "id": 3}])
    write("docs/sub/d.txt.gz", gzip.compress(b"Packed."))
    write("docs/e.xls", "not read")
    pq.write_table(pa.table({"text": ["Row."], "id": ["r"]}), tmp_path / "docs/f.parquet")
    found = [item for item in read(Corpus(paths=("./docs",)), tmp_path) if isinstance(item, Document)]
    assert [(item.uri, item.id, item.text) for item in found] == [
        ("docs/a.md", "docs/a.md", "# Heading"),
        ("docs/b.txt", "docs/b.txt", "Plain."),
        ("docs/c.jsonl#record=0", "docs/c.jsonl#record=0", "One."),
        ("docs/c.jsonl#record=1", "second", "Two."),
        ("docs/c.jsonl#record=2", "3", "Three."),
        ("docs/f.parquet#record=0", "r", "Row."),
        ("docs/sub/d.txt.gz", "docs/sub/d.txt.gz", "Packed."),
    ]
    assert all(item.sha256 == sha256(item.text.encode()).hexdigest() for item in found)


def test_ids_survive_a_move(write: Write, tmp_path: Path) -> None:
    """The clone moves to another folder or machine: uris and ids stay, so a resumed run knows its passages."""
    write("here/docs/a.txt", "Same.")
    before = list(read(Corpus(paths=("docs",)), tmp_path / "here"))
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert list(read(Corpus(paths=("docs",)), tmp_path / "there")) == before


def test_line_ends_and_spaces_stay(write: Write, tmp_path: Path) -> None:
    """Nothing is normalised: provenance is about the text as it lies in the file; a byte order mark is no text."""
    write("a.txt", b"\xef\xbb\xbf one\r\ntwo \xc3\xa9\r\n")
    assert texts(Corpus(paths=("a.txt",)), tmp_path) == {"a.txt": " one\r\ntwo é\r\n"}


@pytest.mark.parametrize(
    ("content", "reason", "says"),
    [
        (b"", RefusalReason.EMPTY, "empty"),
        (b" \n\t\n", RefusalReason.EMPTY, "white space"),
        (b"ok \xff\xfe", RefusalReason.UNDECODABLE, "byte 0xff at byte 3"),
        (b"\xff\xfea\x00\x00", RefusalReason.UNDECODABLE, "utf-16"),
        (b"ab\x00cd", RefusalReason.NUL_BYTES, "at byte 2"),
        (b"x" * 101, RefusalReason.TOO_LARGE, "101 bytes"),
    ],
)
def test_bad_files(write: Write, tmp_path: Path, content: bytes, reason: RefusalReason, says: str) -> None:
    """A bad file is one refusal with a reason a person can act on."""
    write("bad.txt", content)
    found = only_refusal(Corpus(paths=("bad.txt",), max_document_bytes=100), tmp_path)
    assert found.reason is reason
    assert says in found.detail


@pytest.mark.parametrize(
    ("line", "reason", "says"),
    [
        (b'{"text": "torn', RefusalReason.BAD_RECORD, "line 2"),
        (b'{"body": "x"}', RefusalReason.BAD_RECORD, "it has: body"),
        (b'{"text": 7}', RefusalReason.BAD_RECORD, "int, not text"),
        (b'["text"]', RefusalReason.BAD_RECORD, "object"),
        (b'{"text": "x", "id": true}', RefusalReason.BAD_RECORD, "'id' is bool"),
        (b'{"text": " "}', RefusalReason.EMPTY, "line 2"),
        (b'{"text": "a\\u0000b"}', RefusalReason.NUL_BYTES, "line 2"),
        (b'{"text": "a\x00b"}', RefusalReason.NUL_BYTES, "line 2"),
        (b'{"text": "\\ud800"}', RefusalReason.UNDECODABLE, "surrogate"),
        (b'{"text": "\xff"}', RefusalReason.UNDECODABLE, f"at byte {len(FIRST) + 11}"),
        (b'{"text": "' + b"x" * 300 + b'"}', RefusalReason.TOO_LARGE, "line 2"),
        (b"[" * 200, RefusalReason.BAD_RECORD, "line 2"),
        (b'{"text": "y", "id": "first"}', RefusalReason.DUPLICATE_ID, "'first'"),
    ],
)
def test_a_bad_line_does_not_stop_the_file(
    write: Write, tmp_path: Path, line: bytes, reason: RefusalReason, says: str
) -> None:
    """One line of a JSON lines file is broken: it is refused with its line, those around it are read."""
    write("a.jsonl", FIRST + b"\n" + line + b'\n\n{"text": "last"}')
    config = Corpus(paths=("a.jsonl",), max_document_bytes=200)
    before, bad, after = read(config, tmp_path)
    assert isinstance(before, Document)
    assert isinstance(after, Document)
    assert (after.uri, after.text) == ("a.jsonl#record=2", "last")
    assert isinstance(bad, DocumentRefused)
    assert (bad.uri, bad.reason) == ("a.jsonl#record=1", reason)
    assert says in bad.detail


def test_fifty_megabytes_in_one_line(write: Write, tmp_path: Path) -> None:
    """A monstrous line is refused without ever being held: memory stays near the limit of one document."""
    with (tmp_path / "a.jsonl").open("wb") as file:
        file.write(b'{"text": "')
        file.writelines(b"x" * 1_000_000 for _ in range(50))
        file.write(b'"}\n{"text": "small"}\n')
    config = Corpus(paths=("a.jsonl",), max_document_bytes=1_000_000)
    tracemalloc.start()
    large, small = read(config, tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(large, DocumentRefused)
    assert large.reason is RefusalReason.TOO_LARGE
    assert isinstance(small, Document)
    assert peak < 8_000_000


def test_read_lazily(write: Write, tmp_path: Path) -> None:
    """A file of 20 MB passes through a small part of that in memory."""
    write("a.jsonl", [{"text": "x" * 1000, "id": index} for index in range(20_000)])
    tracemalloc.start()
    count = sum(1 for _ in read(Corpus(paths=("a.jsonl",)), tmp_path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 8_000_000


def test_torn_archives_give_what_they_hold(write: Write, tmp_path: Path) -> None:
    """A download that broke off: the records before the tear are used, the file is reported."""
    whole = gzip.compress(b"".join(b'{"text": "%d %s"}\n' % (n, os.urandom(400).hex().encode()) for n in range(9_000)))
    write("a.jsonl.gz", whole[: len(whole) // 2])
    *before, last = read(Corpus(paths=("a.jsonl.gz",)), tmp_path)
    assert len(before) > 1_000
    assert isinstance(last, DocumentRefused)
    assert last.reason is RefusalReason.UNREADABLE


def test_parquet_with_everything_wrong(write: Write, tmp_path: Path) -> None:
    """Null, empty, huge and twice-used rows are refused each; a file that is no Parquet or lacks the column, as one."""
    rows = pa.table({"text": ["ok", None, "", "x" * 200, "again"], "id": [1, 2, 3, 4, 1]})
    pq.write_table(rows, tmp_path / "a.parquet", row_group_size=2)
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "b.parquet")
    write("c.parquet", b"PAR1 no PAR1")
    pq.write_table(pa.table({"text": [b"bytes", b"\xff"]}), tmp_path / "d.parquet")
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "e.parquet")
    config = Corpus(paths=(".",), max_document_bytes=100)
    assert texts(config, tmp_path) == {"a.parquet#record=0": "ok", "d.parquet#record=0": "bytes"}
    assert {uri: reason.value for uri, (reason, _) in refusals(config, tmp_path).items()} == {
        "a.parquet#record=1": "bad_record",
        "a.parquet#record=2": "empty",
        "a.parquet#record=3": "too_large",
        "a.parquet#record=4": "duplicate_id",
        "b.parquet": "bad_record",
        "c.parquet": "unreadable",
        "d.parquet#record=1": "undecodable",
        "e.parquet": "empty",
    }


def test_names_with_tricks(write: Write, tmp_path: Path) -> None:
    """Spaces, newlines, percent, hash and bytes that are no UTF-8 in names: each uri is one line and names one file."""
    for name in (b"a b.txt", b"new\nline.txt", b"50%.txt", b"x.txt#record=0.txt", b"\xff.txt", "é.txt".encode()):
        (tmp_path / os.fsdecode(name)).write_text("text")
    assert set(texts(Corpus(paths=(".",)), tmp_path)) == {
        "a b.txt",
        "new%0Aline.txt",
        "50%25.txt",
        "x.txt%23record=0.txt",
        "%FF.txt",
        "é.txt",
    }


def test_links_in_circles_and_special_files(write: Write, tmp_path: Path) -> None:
    """A link to its own folder ends; a dangling link and a pipe are refused instead of hanging; dot files stay out."""
    write("docs/a.txt", "text")
    write("docs/.hidden.txt", "secret")
    write("docs/.git/b.txt", "secret")
    (tmp_path / "docs/loop").symlink_to(".")
    (tmp_path / "docs/gone.txt").symlink_to("nowhere")
    os.mkfifo(tmp_path / "docs/pipe.txt")
    config = Corpus(paths=("docs",))
    assert texts(config, tmp_path) == {"docs/a.txt": "text"}
    assert {uri: reason.value for uri, (reason, _) in refusals(config, tmp_path).items()} == {
        "docs/gone.txt": "unreadable",
        "docs/pipe.txt": "unreadable",
    }


@pytest.mark.slow
def test_a_very_deep_folder(tmp_path: Path) -> None:
    """Folders nested beyond Python's recursion limit are walked all the same."""
    folders = list(accumulate(["d"] * 1500, os.path.join, initial=str(tmp_path)))[1:]
    for folder in folders:
        os.mkdir(folder)
    Path(folders[-1], "a.txt").write_text("deep")
    try:
        assert list(texts(Corpus(paths=(".",)), tmp_path).values()) == ["deep"]
    finally:
        os.unlink(os.path.join(folders[-1], "a.txt"))
        for folder in reversed(folders):
            os.rmdir(folder)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("./dosc", "did you mean 'docs'"),
        ("docs/b.txt", "did you mean 'a.txt'"),
        ("xls", "it holds, for example, 'x.xls'"),
        ("nowhere/at/all", "there is no 'nowhere'"),
        ("memory://nothing/here", "does not exist"),
        ("memroy://x", "did you mean 'memory://'"),
    ],
)
def test_a_corpus_that_is_not_there(write: Write, tmp_path: Path, path: str, says: str) -> None:
    """The user's mistake is reported in one line before anything starts, even when it is the second path."""
    write("docs/a.txt", "text")
    write("xls/x.xls", "1")
    with pytest.raises(CorpusError, match=r"^corpus\.paths: [^\n]+$") as raised:
        read(Corpus(paths=("docs", path)), tmp_path)
    assert says in str(raised.value)
    assert path in str(raised.value)


def test_encodings(write: Write, tmp_path: Path) -> None:
    """Another encoding can be configured; one that does not exist is the user's mistake."""
    write("a.txt", "naïve".encode("latin-1"))
    write("b.txt", "naïve".encode("utf-16"))
    write("c.jsonl", b'{"text": "na\xefve"}\n')
    assert texts(Corpus(paths=("a.txt", "c.jsonl"), encoding="latin-1"), tmp_path) == {
        "a.txt": "naïve",
        "c.jsonl#record=0": "naïve",
    }
    assert texts(Corpus(paths=("b.txt",), encoding="utf-16"), tmp_path) == {"b.txt": "naïve"}
    for encoding in ("utf-9", "rot13", "", "a\0b"):
        with pytest.raises(CorpusError, match="encoding"):
            read(Corpus(paths=("a.txt",), encoding=encoding), tmp_path)


def test_anything_that_fsspec_opens() -> None:
    """Object storage, here in memory: the same order and the same uris as a folder."""
    memory = fsspec.filesystem("memory")
    for name, data in {
        "/corpus/a.txt": b"A.",
        "/corpus/sub/b.jsonl.gz": gzip.compress(b'{"text": "B."}\n'),
        "/corpus/c.xls": b"no",
    }.items():
        with memory.open(name, "wb") as file:
            file.write(data)
    try:
        assert texts(Corpus(paths=("memory://corpus",)), Path("/")) == {
            "memory://corpus/a.txt": "A.",
            "memory://corpus/sub/b.jsonl.gz#record=0": "B.",
        }
        assert texts(Corpus(paths=("memory://corpus/a.txt",)), Path("/")) == {"memory://corpus/a.txt": "A."}
    finally:
        memory.rm("/corpus", recursive=True)


def test_file_urls(write: Write, tmp_path: Path) -> None:
    """`file://` is the local file system under its full name."""
    write("docs/a.txt", "text")
    assert texts(Corpus(paths=(f"file://{tmp_path}/docs",)), Path("/")) == {f"file://{tmp_path}/docs/a.txt": "text"}


def test_documents_are_found_again(write: Write, tmp_path: Path) -> None:
    """`gleaner verify` reads the documents behind passages once more; one that has gone does not come."""
    write("docs/a.txt", "A.")
    write("docs/b.jsonl", [{"text": f"B{index}.", "id": f"b{index}"} for index in range(5)])
    config = Corpus(paths=("docs",))
    wanted = ["docs/a.txt", "docs/b.jsonl#record=3", "docs/gone.txt"]
    assert [item.text for item in documents(wanted, config, tmp_path)] == ["A.", "B3."]
    assert document_text("docs/b.jsonl#record=0", config, tmp_path) == "B0."
    assert document_text("docs/gone.txt", config, tmp_path) is None


def test_unusual_but_valid_records(write: Write, tmp_path: Path) -> None:
    """Other fields may be anything, NaN and huge numbers included; field names can be configured."""
    write("a.jsonl", b'\xef\xbb\xbf{"body": "x", "key": "k", "score": NaN, "n": 1e999}\r\n')
    [found] = read(Corpus(paths=("a.jsonl",), text_field="body", id_field="key"), tmp_path)
    assert isinstance(found, Document)
    assert (found.id, found.text) == ("k", "x")
    assert json.dumps(found.uri) == '"a.jsonl#record=0"'
