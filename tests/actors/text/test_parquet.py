"""Parquet of strangers within a bound of memory, whatever its few bytes unfold to."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.text.parquet import ParquetRows, TooMuchMemory, _batch_rows, _Column, _most_bytes, _Page
from actors.text.thrift import MalformedBytes, Wanted, read_struct

MIB = 1 << 20
BOUND_MIB = 512
PLAIN: Any = {"use_dictionary": False, "write_statistics": False}
_CHILD = r"""
import json, re, sys
from pathlib import Path
from actors.corpus.reader import read
from schemas.config import Corpus
from schemas.corpus import Document
path = Path(sys.argv[1])
documents, reasons = 0, []
for item in read(Corpus(paths=(path.name,)), path.parent):
    if isinstance(item, Document):
        documents += 1
        if documents == 12:
            break
    else:
        reasons.append([item.reason.value, item.detail])
peak = int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) // 1024
print(json.dumps([documents, reasons, peak]))
"""


def read_in_a_child(path: Path) -> tuple[int, list[list[str]], int]:
    """Documents (12 at most), refusals, and the most MiB that the process had."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path)], capture_output=True, text=True, check=True, timeout=300
    )
    documents, reasons, peak = json.loads(done.stdout)
    return documents, reasons, peak


def one_value_for_all(path: Path) -> None:
    """2,000 rows that share one value of 8 MB: a kilobyte on disk, 16 GB decoded."""
    rows = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), pa.array(["x" * (8 * MIB)]))
    pq.write_table(pa.table({"text": rows}), path, compression="zstd", store_schema=False)


def one_giant_value(path: Path) -> None:
    """One value of 600 MB in 20 kB."""
    with pq.ParquetWriter(path, pa.schema([("text", pa.large_binary())]), compression="zstd", **PLAIN) as writer:
        writer.write_table(pa.table({"text": pa.array([bytes(600_000_000)], pa.large_binary())}))


def each_repeats_the_last(path: Path) -> None:
    """Values stored as their difference from the one before: 2,000 of 8 MB in a page of 8 MB."""
    texts = ["x" * (8 * MIB)] + ["x" * (8 * MIB) + "y"] * 14
    with pq.ParquetWriter(
        path,
        pa.schema([("text", pa.string())]),
        compression="zstd",
        **PLAIN,
        column_encoding={"text": "DELTA_BYTE_ARRAY"},
    ) as writer:
        writer.write_table(pa.table({"text": texts}))


def many_large_pages(path: Path) -> None:
    """90 values of 8 MB, each in its own page of a few bytes: a batch of them all would have 700 MB."""
    with pq.ParquetWriter(
        path,
        pa.schema([("text", pa.string())]),
        compression="zstd",
        **PLAIN,
        write_batch_size=1,
        data_page_size=1,
    ) as writer:
        for _ in range(3):
            writer.write_table(pa.table({"text": ["x" * (8 * MIB)] * 30}))


def shared_by_ids(path: Path) -> None:
    """The id column may be the large one too."""
    ids = pa.DictionaryArray.from_arrays(pa.array([0] * 200, pa.int32()), pa.array(["x" * (8 * MIB)]))
    pq.write_table(pa.table({"text": ["a"] * 200, "id": ids}), path, compression="zstd", store_schema=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "is_read"),
    [
        (one_value_for_all, True),
        (one_giant_value, False),
        (each_repeats_the_last, True),
        (many_large_pages, True),
        (shared_by_ids, False),
    ],
)
def test_a_small_file_takes_little_memory(tmp_path: Path, make: Callable[[Path], None], is_read: bool) -> None:
    """Somebody's file of a few kilobytes must not take the machine: it is read or refused within 512 MiB."""
    make(tmp_path / "a.parquet")
    documents, reasons, peak = read_in_a_child(tmp_path / "a.parquet")
    assert peak < BOUND_MIB
    assert bool(documents) is is_read
    assert bool(reasons) is not is_read


@pytest.mark.slow
def test_a_giant_page_is_refused_in_words(tmp_path: Path) -> None:
    """The refusal says what is too large and what to do; the row groups beside it are read."""
    path = tmp_path / "a.parquet"
    with pq.ParquetWriter(path, pa.schema([("text", pa.string())]), compression="zstd") as writer:
        for text in ("small", "x" * (140 * MIB), "last"):
            writer.write_table(pa.table({"text": [text]}))
    documents, [(reason, detail)], peak = read_in_a_child(path)
    assert (documents, reason) == (2, "too_large")
    assert "row group 1 from row 1 on: a page of column 'text' has 146,800," in detail
    assert "smaller pages" in detail
    assert peak < BOUND_MIB


def test_what_the_footer_says_is_not_believed(tmp_path: Path) -> None:
    """Sums in the footer may lie; the headers of the pages are what Arrow allocates by."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["x" * (3 * MIB)]}), path, compression="zstd")
    with path.open("rb") as stream:
        with pytest.raises(TooMuchMemory, match="3,145,7"):
            list(ParquetRows(stream, limit=2 * MIB).batches(0, ["text"]))
        [batch] = ParquetRows(stream, limit=4 * MIB).batches(0, ["text"])
        assert batch.num_rows == 1


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_ordinary_files_are_read_in_large_batches(
    tmp_path: Path, version: str, compression: str, dictionary: bool
) -> None:
    """Both kinds of pages, every codec: the same rows as pyarrow's own reading gives, many at a time."""
    path = tmp_path / "a.parquet"
    table = pa.table({"text": [f"Text {n} " + "z" * (n % 300) for n in range(30_000)], "id": range(30_000)})
    pq.write_table(
        table,
        path,
        compression=compression,
        data_page_version=version,
        use_dictionary=dictionary,
        row_group_size=20000,
    )
    with path.open("rb") as stream:
        file = ParquetRows(stream, limit=128 * MIB)
        found = [batch for group in range(2) for batch in file.batches(group, ["text", "id"])]
    assert pa.Table.from_batches(found).equals(table)
    assert len(found) < (1_000 if dictionary else 100)


def test_a_footer_out_of_proportion(tmp_path: Path) -> None:
    """A footer unfolds to many times its bytes: beyond 16 MiB it is refused unread."""
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + bytes(20 * MIB) + (20 * MIB).to_bytes(4, "little") + b"PAR1")
    with path.open("rb") as stream, pytest.raises(TooMuchMemory, match="footer"):
        ParquetRows(stream, limit=128 * MIB)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 100)), max_size=12), st.integers(1, 30), st.integers(0, 5))
def test_the_most_that_rows_can_take(pages: list[tuple[int, int]], rows: int, shared: int) -> None:
    """Against the plain definition: every run of so many rows, with the whole of each page that it touches."""
    owners = [index for index, (count, _) in enumerate(pages) for _ in range(count)]
    worst = max(
        (
            sum(pages[index][1] for index in range(owners[at], owners[min(at + rows, len(owners)) - 1] + 1))
            for at in range(len(owners))
        ),
        default=0,
    )
    column = _Column(tuple(_Page(*page) for page in pages), shared)
    assert _most_bytes(column, rows) >= worst + rows * shared
    assert _batch_rows([column], limit=1 << 30) == 1024


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_any_bytes_for_a_page_header(data: bytes) -> None:
    """Bytes that are no header: malformed or too short, never another exception, never endless."""
    try:
        read, length = read_struct(data, {1: int, 2: {1: [bytes]}, 3: [{1: int}]})
    except (MalformedBytes, IndexError):
        return
    assert length > 0
    assert type(read.get(1, 0)) is int
    assert all(type(each) is bytes for each in read.get(2, {}).get(1, []))
    assert all(type(each.get(1, 0)) is int for each in read.get(3, []))


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12])
@pytest.mark.parametrize("wanted", [{}, {1: [bytes]}, {1: [{1: int}]}], ids=["skipped", "bytes", "structs"])
def test_a_list_that_claims_to_be_endless(kind: int, wanted: Wanted) -> None:
    """2**63 values of any kind in a few bytes: it takes as long as the bytes."""
    with pytest.raises((MalformedBytes, IndexError)):
        read_struct(bytes([0x19, 0xF0 | kind, *[0xFF] * 9, 0x00, *[0x11] * 64]), wanted)


def test_a_number_of_more_than_64_bits_is_malformed() -> None:
    with pytest.raises(MalformedBytes, match="64 bits"):
        read_struct(bytes([0x15, *[0xFF] * 11, 0x00]), {1: int})
