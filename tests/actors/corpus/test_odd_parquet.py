"""Unusual tables. Each is read or refused with a reason, and the file beside it is read."""

import datetime
import decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from actors.corpus.reader import read
from schemas.config import Corpus
from schemas.corpus import Document, DocumentRefused
from tests.actors.corpus.conftest import Write


def read_beside(write: Write, tmp_path: Path, table: pa.Table) -> tuple[list[Document], list[DocumentRefused]]:
    """What a table gives, in a folder with a good text behind it."""
    write("docs/z.txt", "Still read.")
    pq.write_table(table, tmp_path / "docs/a.parquet")
    *items, last = read(Corpus(paths=("docs",)), tmp_path)
    assert isinstance(last, Document)
    assert last.text == "Still read."
    documents = [item for item in items if isinstance(item, Document)]
    return documents, [item for item in items if isinstance(item, DocumentRefused)]


TWO = pa.Table.from_arrays([pa.array(["q"]), pa.array(["a"]), pa.array(["b"])], names=["id", "text", "text"])
FAR = pa.table({"text": ["x"], "id": pa.array([10_000_000], pa.date32())})


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (TWO, "2 columns are named 'text'"),
        (TWO.rename_columns(["id", "id", "text"]), "2 columns are named 'id'"),
        (FAR, "column 'id' is date32[day]"),
        (pa.table({"text": ["x"], "id": pa.array([datetime.date(2024, 1, 1)])}), "neither text nor a whole number"),
        (pa.table({"text": ["x"], "id": pa.array([2**62], pa.timestamp("us"))}), "'id' is timestamp[us]"),
        (pa.table({"text": [["x"]]}), "is list<"),
        (pa.table({"text": [{"text": "x"}]}), "is struct<"),
        (pa.table({"text": pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string()))}), "is map<"),
        (pa.table({"text": pa.array([None], pa.null())}), "not text"),
        (pa.table({"text": [1.5]}), "not text"),
        (pa.table({"text": ["x"], "id": [True]}), "'id' is bool"),
        (pa.table({"text": ["x"], "id": ["y" * 2_000]}), "2,000 bytes"),
        (pa.table({"text": pa.array([], pa.string())}), "no records"),
        (pa.table({}), "no column 'text'"),
    ],
)
def test_tables_that_are_refused(write: Write, tmp_path: Path, table: pa.Table, says: str) -> None:
    """One refusal with the column's name and what it is."""
    documents, [refused] = read_beside(write, tmp_path, table)
    assert documents == []
    assert says in refused.detail


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["x", "y"], pa.large_string()),
        pa.array(["x", "y"], pa.string_view()),
        pa.array([b"x", b"y"], pa.binary(1)),
        pa.array(["x", "y"]).dictionary_encode(),
    ],
)
def test_every_kind_of_text(write: Write, tmp_path: Path, column: pa.Array) -> None:
    """Texts in the forms of all common libraries, beside columns of any kind that are not needed."""
    odd = pa.array([[{"a": [1]}], None])
    documents, refused = read_beside(write, tmp_path, pa.table({"text": column, "odd": odd, "far": [2**60, 1]}))
    assert ([document.text for document in documents], refused) == (["x", "y"], [])


def test_no_row_groups(write: Write, tmp_path: Path) -> None:
    """A writer that was closed without a row."""
    write("docs/z.txt", "Still read.")
    pq.ParquetWriter(tmp_path / "docs/a.parquet", pa.schema([("text", pa.string())])).close()
    refused, document = read(Corpus(paths=("docs",)), tmp_path)
    assert isinstance(refused, DocumentRefused)
    assert isinstance(document, Document)
    assert refused.detail == "the file holds no records"


class _Keys(pe.KmsClient):
    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return key_bytes

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return wrapped_key


@pytest.mark.parametrize("plain_footer", [True, False])
def test_encrypted_tables(write: Write, tmp_path: Path, plain_footer: bool) -> None:
    """Without the key nothing can be read, whether the footer is encrypted too or the columns alone."""
    write("docs/z.txt", "Still read.")
    table = pa.table({"text": ["x" * 100] * 100})
    properties = pe.CryptoFactory(lambda _: _Keys()).file_encryption_properties(
        pe.KmsConnectionConfig(),
        pe.EncryptionConfiguration(footer_key="f", column_keys={"c": ["text"]}, plaintext_footer=plain_footer),
    )
    with pq.ParquetWriter(tmp_path / "docs/a.parquet", table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    refused, document = read(Corpus(paths=("docs",)), tmp_path)
    assert isinstance(refused, DocumentRefused)
    assert isinstance(document, Document)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (pa.array([decimal.Decimal("12.50")], pa.decimal128(9, 2)), "12.50"),
        (pa.array([decimal.Decimal("1e30")], pa.decimal256(50, 0)), "1" + "0" * 30),
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([16777216.0], pa.float32()), "16777216.0"),
        (pa.array([0.1], pa.float16()), "0.1"),
        (pa.array([0.1], pa.float64()), "0.1"),
        (pa.array([42], pa.uint8()), "42"),
        (pa.array([np.float32("nan")], pa.float32()), None),
        (pa.array([float("-inf")], pa.float64()), None),
        (pa.array([datetime.date(2024, 5, 6)]), None),
    ],
)
def test_reference_answers_are_the_numbers_meant(tmp_path: Path, answer: pa.Array, expected: str | None) -> None:
    """A reference of 16 or 32 bits becomes its own shortest decimal, not the digits of a wider float; NaN is
    refused."""
    pq.write_table(pa.table({"text": ["q"], "answer": answer}), tmp_path / "a.parquet")
    [item] = read(Corpus(paths=("a.parquet",), answer_field="answer"), tmp_path)
    if expected is None:
        assert isinstance(item, DocumentRefused)
        assert "'answer'" in item.detail
    else:
        assert isinstance(item, Document)
        assert item.reference == expected
