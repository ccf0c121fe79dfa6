"""Writes rows to files: one page of rows in memory for each split, at most so many rows a file, no half file ever."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import BinaryIO, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from actors.dataset.rows import Row
from actors.ledger.files import Folder, disk_errors, make_folder, sha256_of, writing
from schemas.errors import LedgerError
from schemas.exports import ExportFile, ExportRequest, FileKind

PAGE = 256
"""The most rows of a split in memory."""


class _Sink(Protocol):
    def write(self, rows: Sequence[Row]) -> None: ...


class SplitFiles:
    """The files of one split. `add` rows, then `close`, all inside a `with`, so that an error leaves no half file."""

    def __init__(self, output: Folder, split: str, schema: pa.Schema, asked: ExportRequest) -> None:
        self._output = output
        self._split = split
        self._kind = asked.files
        self._schema = schema
        self._rows_per_file = asked.rows_per_file
        self._page: list[Row] = []
        self._open = ExitStack()
        self._sink: _Sink | None = None
        self._name = ""
        self._in_file = 0
        self.files: list[ExportFile] = []

    def __enter__(self) -> "SplitFiles":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._open.__exit__(kind, error, trace)

    def add(self, row: Row) -> None:
        """Adds one row. Raises OutputError when the disk refuses."""
        self._page.append(row)
        if len(self._page) >= min(PAGE, self._rows_per_file - self._in_file):
            self._flush()

    def close(self) -> None:
        """Writes the remaining rows and closes the file. Raises OutputError."""
        if self._page:
            self._flush()
        if self._sink is not None:
            self._end_file()

    def _flush(self) -> None:
        if self._sink is None:
            self._begin_file()
        assert self._sink is not None
        self._sink.write(self._page)
        self._in_file += len(self._page)
        self._page = []
        if self._in_file >= self._rows_per_file:
            self._end_file()

    def _begin_file(self) -> None:
        folder = self._output.path / self._split
        with disk_errors(folder):
            make_folder(folder, disk=self._output.disk)
        self._name = f"{self._split}/part-{len(self.files):05d}.{self._kind.value}"
        file = self._open.enter_context(writing(self._output.path / self._name, disk=self._output.disk))
        self._sink = self._open.enter_context(_sink(file, self._kind, self._schema))

    def _end_file(self) -> None:
        self._open.close()
        sha256 = sha256_of(self._output.path / self._name)
        if sha256 is None:
            raise LedgerError(f"{self._name} vanished while it was written")
        self.files.append(ExportFile(self._name, self._split, self._in_file, sha256))
        self._sink, self._in_file = None, 0


class _Parquet:
    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema) -> None:
        self._writer = writer
        self._schema = schema

    def write(self, rows: Sequence[Row]) -> None:
        self._writer.write_table(pa.Table.from_pylist(list(rows), schema=self._schema))


class _JsonLines:
    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file = file
        self._schema = schema

    def write(self, rows: Sequence[Row]) -> None:
        # The table gives each row every field, in the same order.
        whole = pa.Table.from_pylist(list(rows), schema=self._schema).to_pylist()
        self._file.write(b"".join(msgspec.json.encode(row) + b"\n" for row in whole))


@contextmanager
def _sink(file: BinaryIO, kind: FileKind, schema: pa.Schema) -> Iterator[_Sink]:
    if kind is FileKind.JSONL:
        yield _JsonLines(file, schema)
        return
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        yield _Parquet(writer, schema)
