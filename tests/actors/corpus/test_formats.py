"""Files of real folders: every format under each of its names, and files of no known format."""

import bz2
import codecs
import gzip
import json
import lzma
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.corpus.files import Skipped
from actors.corpus.names import name_parts
from actors.corpus.reader import read
from schemas.config import Corpus
from schemas.corpus import Document, DocumentRefused, RefusalReason
from schemas.errors import CorpusError
from tests.actors.corpus.conftest import Write

RECORDS = [
    {"id": "a", "text": 'One, "two" [three] {four}.'},
    {"id": "b", "text": "Fünf\\\n"},
    {"id": "c", "text": "Six."},
]
TEXTS = {record["id"]: record["text"] for record in RECORDS}


def found(path: str, base: Path, **settings: object) -> tuple[dict[str, str], list[DocumentRefused]]:
    """Texts by id, and the refusals."""
    items = list(read(Corpus(paths=(path,), **settings), base))  # type: ignore[arg-type]
    texts = {str(item.id): item.text for item in items if isinstance(item, Document)}
    return texts, [item for item in items if isinstance(item, DocumentRefused)]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2, ensure_ascii=False),
        json.dumps(RECORDS).replace("}, {", "},\n\n {") + "\n",
        "\ufeff " + json.dumps(RECORDS),
        json.dumps(RECORDS)[:-1] + ",]",
        "\n".join(json.dumps(record) for record in RECORDS),
        "\n".join(json.dumps(record, indent=1) for record in RECORDS),
    ],
    ids=["array", "indented", "spaced", "marked", "trailing comma", "lines", "objects"],
)
def test_json_files(write: Write, tmp_path: Path, content: str) -> None:
    """A data set comes as one .json, in whatever layout its author's tool has: each record is a document."""
    write("train.json", content)
    assert found("train.json", tmp_path) == (TEXTS, [])
    uris = [item.uri for item in read(Corpus(paths=("train.json",)), tmp_path)]
    assert uris == ["train.json#record=0", "train.json#record=1", "train.json#record=2"]


def test_one_object(write: Write, tmp_path: Path) -> None:
    """A single object is one record; one whose records lie deeper is refused with what it has."""
    write("one.json", '{"id": "a", "text": "One.", "more": [1, {"x": []}]}')
    assert found("one.json", tmp_path) == ({"a": "One."}, [])
    write("squad.json", '{"version": 2, "data": [{"text": "deep"}]}')
    texts, [refused] = found("squad.json", tmp_path)
    assert (texts, refused.reason) == ({}, RefusalReason.BAD_RECORD)
    assert "it has: version, data" in refused.detail


@pytest.mark.parametrize(
    ("content", "reason", "says"),
    [
        ("", RefusalReason.EMPTY, "no records"),
        (" \n ", RefusalReason.EMPTY, "no records"),
        ("[]", RefusalReason.EMPTY, "no records"),
        ("[ \n ]", RefusalReason.EMPTY, "no records"),
        ("nonsense", RefusalReason.BAD_RECORD, "not a JSON record"),
        ('"text"', RefusalReason.BAD_RECORD, "object"),
        ("7", RefusalReason.BAD_RECORD, "object"),
        ("[", RefusalReason.UNREADABLE, "not closed"),
        ('["text"]', RefusalReason.BAD_RECORD, "element 1: a record must be an object"),
        ("[" * 100_000, RefusalReason.UNREADABLE, "not closed"),
        ("\x00\x01", RefusalReason.NUL_BYTES, "NUL"),
    ],
)
def test_json_that_holds_no_record(
    write: Write, tmp_path: Path, content: str, reason: RefusalReason, says: str
) -> None:
    """Each is one refusal that says what is wrong; none is a text."""
    write("a.json", content)
    texts, [refused] = found("a.json", tmp_path)
    assert (texts, refused.reason) == ({}, reason)
    assert says in refused.detail


def test_a_bad_element_does_not_end_the_array(write: Write, tmp_path: Path) -> None:
    """One record of an array is unusable or too long: it is refused with its place, the others are read."""
    good = json.dumps({"id": "a", "text": "A."})
    long = json.dumps({"id": "b", "text": "x" * 300})
    write(
        "a.json", f'[{good}, {{"text": nonsense}}, {long}, 7, {good.replace("a", "z", 1)}, {{"id": "c", "text": "C."}}]'
    )
    texts, refused = found("a.json", tmp_path, max_document_bytes=200)
    assert texts == {"a": "A.", "z": "A.", "c": "C."}
    assert [(item.uri, item.reason.value) for item in refused] == [
        ("a.json#record=1", "bad_record"),
        ("a.json#record=2", "too_large"),
        ("a.json#record=3", "bad_record"),
    ]
    assert refused[0].detail.startswith("element 2: ")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_wherever_a_block_ends(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Blocks end inside strings, escapes, marks and numbers: the records are the same."""
    monkeypatch.setattr("actors.corpus.files.BLOCK", size)
    write("a.json", "\ufeff" + json.dumps(RECORDS, indent=1))
    write("b.json", json.dumps(RECORDS, ensure_ascii=False).encode("utf-16"))
    write("c.jsonl", "\ufeff" + "\r\n".join(json.dumps(record) for record in RECORDS))
    for name in ("a.json", "b.json", "c.jsonl"):
        assert found(name, tmp_path) == (TEXTS, [])


@pytest.mark.slow
def test_a_large_array_is_never_held(tmp_path: Path) -> None:
    """An array of 40 MB with an element of 20 MB passes through a few MB of memory."""
    with (tmp_path / "a.json").open("w") as file:
        file.write('[{"id": "first", "text": "x"}')
        for index in range(20_000):
            file.write(f', {{"id": {index}, "text": "{"x" * 1000}"}}')
        file.write(', {"text": "' + "y" * 20_000_000 + '"}, {"id": "last", "text": "x"}]')
    tracemalloc.start()
    count, reasons = 0, []
    for item in read(Corpus(paths=("a.json",), max_document_bytes=1_000_000), tmp_path):
        count += isinstance(item, Document)
        reasons += [item.reason] if isinstance(item, DocumentRefused) else []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (count, reasons) == (20_002, [RefusalReason.TOO_LARGE])
    assert peak < 10_000_000


def _zst(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


@pytest.mark.parametrize(
    ("ending", "pack"),
    [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", _zst)],
)
def test_every_format_in_every_compression(
    write: Write, tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    """A folder is read whatever its files are packed with and however their endings are written."""
    lines = "".join(json.dumps(record) + "\n" for record in RECORDS[:1]).encode()
    write(f"docs/a.jsonl{ending}", pack(lines))
    write(f"docs/B.NDJSON{ending.upper()}", pack(lines.replace(b'"a"', b'"ndjson"')))
    write(f"docs/c.Json{ending}", pack(json.dumps(RECORDS[1:2]).encode()))
    write(f"docs/d.TXT{ending}", pack(b"Text."))
    write(f"docs/e.md{ending}", pack(b"# Text."))
    pq.write_table(pa.table({"id": ["p"], "text": ["Row."]}), tmp_path / "f")
    write(f"docs/f.Parquet{ending}", pack((tmp_path / "f").read_bytes()))
    texts, refused = found("docs", tmp_path)
    assert refused == []
    assert set(texts) == {"a", "ndjson", "b", "p", f"docs/d.TXT{ending}", f"docs/e.md{ending}"}


@pytest.mark.parametrize(
    "name",
    ["a.doc", "a.xls", "a.odt", "a.rtf", "a.xml", "a.xlsx.gz", "a.tar.gz", "a.zip", "README", "a.gz", "a.json5"],
)
def test_an_unknown_format_is_refused_by_name(write: Write, tmp_path: Path, name: str) -> None:
    """A file that is no format we read is never taken for prose, also when it is named or matched by a pattern."""
    data = b"id,text\na,One\n"
    write(f"docs/{name}", gzip.compress(data) if name.endswith("gz") else data)
    for path, include in ((f"docs/{name}", None), ("docs", ("*",))):
        texts, [refused] = found(path, tmp_path, include=include)
        assert (texts, refused.reason, refused.uri) == ({}, RefusalReason.UNKNOWN_FORMAT, f"docs/{name}")
        assert ".jsonl" in refused.detail


def test_skipped_files_are_counted_by_suffix(write: Write, tmp_path: Path) -> None:
    """A folder's other files are counted, so that the user can see where a file went."""
    for name in ("a.xls", "sub/b.XLS", "c.png", "d.xls.gz", "LICENSE", "e.txt", ".hidden.xls", "f.jsonl", "g.py"):
        write(f"docs/{name}", b'{"text": "x"}')
    for config, expected in (
        (Corpus(paths=("docs",)), {".xls": 2, ".png": 1, ".xls.gz": 1, "no suffix": 1, ".py": 1}),
        (
            Corpus(paths=("docs",), include=("*.jsonl",)),
            {".xls": 2, ".png": 1, ".xls.gz": 1, "no suffix": 1, ".txt": 1, ".py": 1},
        ),
    ):
        skipped = Skipped()
        assert list(read(config, tmp_path, skipped))
        assert skipped.counts() == expected


def test_excluded_files_are_neither_read_nor_counted(write: Write, tmp_path: Path) -> None:
    """By name or by their path below the folder, suffixes in either case, whatever `include` takes."""
    for name in ("a.txt", "a.bak.TXT", "old/b.txt", "new/c.txt", "d.jsonl"):
        write(f"docs/{name}", b'{"text": "x", "id": "d"}')
    for include, left in (
        (None, {"docs/a.txt", "docs/new/c.txt", "d"}),
        (("*.txt",), {"docs/a.txt", "docs/new/c.txt"}),
    ):
        config, skipped = Corpus(paths=("docs",), include=include, exclude=("*.bak.txt", "old/*")), Skipped()
        assert {str(each.id) for each in read(config, tmp_path, skipped) if isinstance(each, Document)} == left
        assert skipped.counts() == ({} if include is None else {".jsonl": 1})
    with pytest.raises(CorpusError, match=r"is not excluded \(\*\)"):
        list(read(Corpus(paths=("docs",), exclude=("*",)), tmp_path))


def test_any_number_of_suffixes_is_a_short_count(write: Write, tmp_path: Path) -> None:
    """A folder of ten thousand odd names must not become a record of ten thousand counts."""
    skipped = Skipped()
    for index in range(10_000):
        skipped.add(f"a.{index}{'x' * 300}\n")
    counts = skipped.counts()
    assert sum(counts.values()) == 10_000
    assert len(counts) <= 51
    assert all(name.isprintable() and len(name) < 100 for name in counts)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(write: Write, tmp_path: Path, encoding: str) -> None:
    """An export of Windows: UTF-16 with its mark is read as that, whatever the configuration says."""
    bom = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS)
    write("a.jsonl", bom + lines.encode(encoding))
    write("b.json", bom + json.dumps(RECORDS).encode(encoding))
    write("c.txt", bom + "naïve".encode(encoding))
    for config in ("utf-8", "latin-1"):
        assert found("a.jsonl", tmp_path, encoding=config) == (TEXTS, [])
        assert found("b.json", tmp_path, encoding=config) == (TEXTS, [])
        assert found("c.txt", tmp_path, encoding=config) == ({"c.txt": "naïve"}, [])
    write("d.jsonl", lines.encode("utf-16-le"))
    assert found("d.jsonl", tmp_path, encoding="utf-16-le") == (TEXTS, [])


def test_half_a_surrogate_spoils_one_line(write: Write, tmp_path: Path) -> None:
    """UTF-16 that was cut inside a character: one line is refused, the others are read."""
    bad = '{"text": "'.encode("utf-16-le") + b"\x00\xd8" + '"}\n'.encode("utf-16-le")
    good = '{"id": "a", "text": "A."}\n'
    write(
        "a.jsonl", codecs.BOM_UTF16_LE + good.encode("utf-16-le") + bad + good.replace('"a"', '"b"').encode("utf-16-le")
    )
    texts, [refused] = found("a.jsonl", tmp_path)
    assert set(texts) == {"a", "b"}
    assert (refused.uri, refused.reason) == ("a.jsonl#record=1", RefusalReason.UNDECODABLE)


def test_wrong_endings(write: Write, tmp_path: Path) -> None:
    """Files whose name says another format than they hold: refused, with a hint where there is one."""
    write("a.jsonl", json.dumps(RECORDS))
    write("b.parquet", json.dumps(RECORDS))
    write("c.json", b"PAR1\x15\x04\x15")
    write("d.jsonl.gz", json.dumps(RECORDS))
    write("e.txt", gzip.compress(b"packed"))
    says = {"a.jsonl": ".json", "b.parquet": "Parquet", "c.json": "record", "d.jsonl.gz": "gzip", "e.txt": "NUL"}
    for name, words in says.items():
        texts, [refused] = found(name, tmp_path)
        assert texts == {}
        assert words in refused.detail


def test_a_folder_that_is_named_like_a_file(write: Write, tmp_path: Path) -> None:
    """Spark writes folders named x.jsonl: their files are read by their own names."""
    write("docs/x.jsonl/part-0.jsonl", [RECORDS[0]])
    write("docs/x.jsonl/_SUCCESS", "")
    assert found("docs", tmp_path) == ({"a": TEXTS["a"]}, [])
    assert found("docs/x.jsonl", tmp_path) == ({"a": TEXTS["a"]}, [])


def test_the_query_of_a_web_address_is_no_suffix() -> None:
    """`?download=true` behind a name: the format is the name's."""
    assert name_parts("https://host/a.jsonl.gz?download=true") == (".jsonl", "gzip")
    assert name_parts("bucket/what?.txt") == (".txt", None)


def test_a_file_in_an_archive_is_read_by_its_own_name(write: Write, tmp_path: Path) -> None:
    """The uri ends in the archive's suffix, which says nothing of what is read."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.jsonl", json.dumps(RECORDS[0]))
    assert found(f"zip://a.jsonl::file://{tmp_path}/x.zip", tmp_path) == ({"a": TEXTS["a"]}, [])


def test_an_object_store_is_read_by_the_same_rules() -> None:
    """Case, compressions and counts of skipped files are a local folder's."""
    memory = fsspec.filesystem("memory")
    for name in ("A.JSONL", "b.xls"):
        with memory.open(f"/formats/{name}", "wb") as file:
            file.write(b'{"id": "a", "text": "A."}')
    try:
        skipped = Skipped()
        [document] = read(Corpus(paths=("memory://formats",)), Path("/"), skipped)
        assert isinstance(document, Document)
        assert (document.id, skipped.counts()) == ("a", {".xls": 1})
    finally:
        memory.rm("/formats", recursive=True)
