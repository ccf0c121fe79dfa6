"""Broken files: what can be read before the damage is read, the damage is one refusal, and no file ends a run."""

import bz2
import gzip
import json
import logging
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.corpus import formats
from actors.corpus.files import CorpusFile
from actors.corpus.reader import read
from actors.corpus.records import Item, Text
from schemas.config import Corpus
from schemas.corpus import Document, DocumentRefused, RefusalReason
from tests.actors.corpus.conftest import Write

LINES = b"".join(b'{"id": "r%d", "text": "Record %d %s."}\n' % (n, n, b"x" * (n % 97)) for n in range(500))
ARRAY = b"[" + b",\n".join(LINES.splitlines()) + b"]"


def readable(path: Path, config: Corpus | None = None) -> tuple[list[str], list[DocumentRefused]]:
    items = list(read(config or Corpus(paths=(path.name,)), path.parent))
    return (
        [str(item.id) for item in items if isinstance(item, Document)],
        [item for item in items if isinstance(item, DocumentRefused)],
    )


def _zst(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


def _gunzipped(data: bytes) -> bytes:
    return zlib.decompressobj(31).decompress(data)


@pytest.mark.parametrize("cut", [1, 8, 200, 1_000])
def test_a_cut_gz_gives_all_that_can_be_unpacked(write: Write, tmp_path: Path, cut: int) -> None:
    """A download that broke off: every record in its bytes is read, and the damage is reported with its place."""
    packed = gzip.compress(LINES)[:-cut]
    whole = _gunzipped(packed).count(b"}\n")
    ids, [refused] = readable(write("a.jsonl.gz", packed))
    assert ids == [f"r{index}" for index in range(whole)]
    assert (refused.uri, refused.reason) == ("a.jsonl.gz", RefusalReason.UNREADABLE)
    assert f"; {whole} records before that were read" in refused.detail


@pytest.mark.parametrize(
    ("name", "pack", "data"),
    [
        ("a.jsonl.bz2", bz2.compress, LINES * 60),
        ("a.jsonl.xz", lzma.compress, LINES),
        ("a.jsonl.zst", _zst, LINES * 30),
        ("a.json.gz", gzip.compress, ARRAY),
        ("a.json.xz", lzma.compress, ARRAY),
    ],
)
def test_other_cut_archives(
    write: Write, tmp_path: Path, name: str, pack: Callable[[bytes], bytes], data: bytes
) -> None:
    """The same for every compression; a block that is not whole gives nothing."""
    ids, refused = readable(write(name, pack(data)[:-40]))
    assert len(ids) > 100
    assert [(item.uri, item.reason) for item in refused if item.reason is not RefusalReason.DUPLICATE_ID] == [
        (name, RefusalReason.UNREADABLE)
    ]


def test_bytes_behind_an_archive(write: Write, tmp_path: Path) -> None:
    """Two archives in one file are both read; bytes after them that are no archive are damage."""
    more = LINES.replace(b'"r', b'"s')
    ids, refused = readable(write("a.jsonl.gz", gzip.compress(LINES) + gzip.compress(more) + b"garbage"))
    assert (len(ids), [item.reason for item in refused]) == (1_000, [RefusalReason.UNREADABLE])


def test_a_checksum_that_does_not_hold(write: Write, tmp_path: Path) -> None:
    """One flipped bit at the end: everything was readable, and the file is reported as damaged."""
    packed = bytearray(gzip.compress(LINES))
    packed[-6] ^= 1
    ids, [refused] = readable(write("a.jsonl.gz", bytes(packed)))
    assert (len(ids), refused.reason) == (500, RefusalReason.UNREADABLE)
    assert "CRC" in refused.detail


@pytest.mark.parametrize("end", [len(ARRAY) - 1, len(ARRAY) - 5, len(ARRAY) // 2, 20])
def test_a_torn_array(write: Write, tmp_path: Path, end: int) -> None:
    """An array without its end: the elements that are whole, then one refusal that says after how many."""
    whole = ARRAY[:end].count(b"}")
    ids, [refused] = readable(write("a.json", ARRAY[:end]))
    assert ids == [f"r{index}" for index in range(whole)]
    assert refused.reason is RefusalReason.UNREADABLE
    assert refused.detail.endswith(f"not closed: the file was cut off; {whole} records before that were read")


def test_something_behind_an_array(write: Write, tmp_path: Path) -> None:
    """Two arrays in a file, or a log line after the array: the first array is read, the rest is reported."""
    ids, [refused] = readable(write("a.json", ARRAY + b"\n" + ARRAY))
    assert (len(ids), refused.reason) == (500, RefusalReason.UNREADABLE)
    assert "after the end of the array" in refused.detail


def test_a_text_is_whole_or_nothing(write: Write, tmp_path: Path) -> None:
    """Half a text is another text: a torn one is refused, with how far it could be read."""
    ids, [refused] = readable(write("a.txt.gz", gzip.compress(LINES)[:-50]))
    assert (ids, refused.reason) == ([], RefusalReason.UNREADABLE)
    assert "damaged after" in refused.detail


def test_a_damaged_row_group_does_not_take_the_others(tmp_path: Path) -> None:
    """A few bytes of a Parquet file are wrong: the other row groups are read, the damage is one refusal."""
    path = tmp_path / "a.parquet"
    table = pa.table({"id": [f"r{n}" for n in range(400)], "text": [f"Text {n} " + "y" * 40 for n in range(400)]})
    pq.write_table(table, path, row_group_size=100, compression="zstd", use_dictionary=False)
    column = pq.ParquetFile(path).metadata.row_group(1).column(1)
    data = bytearray(path.read_bytes())
    middle = column.data_page_offset + column.total_compressed_size // 2
    data[middle : middle + 20] = b"\xff" * 20
    path.write_bytes(data)
    ids, [refused] = readable(path)
    assert ids == [f"r{n}" for n in range(400) if not 100 <= n < 200]
    assert (refused.uri, refused.reason) == ("a.parquet", RefusalReason.UNREADABLE)
    assert "row group 1 from row 100 on" in refused.detail
    assert "300 rows were read" in refused.detail


def test_cut_parquet(tmp_path: Path) -> None:
    """Without its footer nothing of a Parquet file can be found: one refusal."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["x"] * 100}), path)
    for size in (0, 3, 4, 8, 100, path.stat().st_size - 1):
        cut = tmp_path / f"cut{size}.parquet"
        cut.write_bytes(path.read_bytes()[:size])
        ids, [refused] = readable(cut)
        assert (ids, refused.reason) == ([], RefusalReason.UNREADABLE)


def test_any_exception_of_a_file_is_a_refusal(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unforeseen error in one file: the others are read, and the log holds the traceback for us to mend it."""

    def faulty(source: CorpusFile, config: Corpus) -> Iterator[Item]:
        yield Text(uri=f"{source.uri}#record=0", text="before")
        raise KeyError("who would have thought")

    monkeypatch.setitem(formats.OURS, ".jsonl", faulty)
    write("docs/a.jsonl", b"{}")
    write("docs/b.txt", b"B.")
    with caplog.at_level(logging.ERROR, "gleaner.corpus"):
        ids, [refused] = readable(tmp_path / "docs", Corpus(paths=("docs",)))
    assert ids == ["docs/a.jsonl#record=0", "docs/b.txt"]
    assert (refused.uri, refused.reason) == ("docs/a.jsonl", RefusalReason.UNREADABLE)
    assert "KeyError" in refused.detail
    assert "1 records before that were read" in refused.detail
    assert "who would have thought" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.slow
def test_known_damage_leaves_no_traceback(write: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A user's broken file is no fault of ours: the log is not filled with it."""
    write("a.jsonl.gz", gzip.compress(LINES)[:-8])
    write("b.parquet", b"PAR1 no PAR1")
    write("c.json", json.dumps([1])[:-1])
    with caplog.at_level(logging.INFO, "gleaner.corpus"):
        readable(tmp_path)
    assert caplog.text == ""
