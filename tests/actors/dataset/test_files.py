"""Files of the output folder appear whole or not at all, and what the disk says becomes one line."""

import errno
from pathlib import Path
from typing import BinaryIO

import pytest

from actors.ledger.files import LocalDisk, sha256_of, write_atomically, writing
from schemas.errors import OutputError


class ReadOnlyDisk(LocalDisk):
    """As a folder mounted read-only answers."""

    def create(self, path: Path) -> BinaryIO:
        raise OSError(errno.EROFS, "Read-only file system")


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    """A reader of the old file never sees half of the new one; nothing is left beside it."""
    path = tmp_path / "manifest.json"
    write_atomically(path, "old")
    with writing(path) as file:
        file.write(b"ne")
        file.flush()
        assert path.read_text() == "old"
        file.write(b"w")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    """Our own code fails half way: the old file stands, the half-written one is gone, the error is not swallowed."""
    path = tmp_path / "report.html"
    write_atomically(path, "old")
    with pytest.raises(ZeroDivisionError), writing(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_read_only_disk_is_reported_with_the_file_and_what_to_do(tmp_path: Path) -> None:
    """One line for the user: what, where, what to do."""
    with pytest.raises(OutputError, match="cannot write") as told:
        write_atomically(tmp_path / "manifest.json", "x", disk=ReadOnlyDisk())
    line = str(told.value)
    assert "manifest.json" in line and "Read-only file system" in line and "again" in line and "\n" not in line


def test_a_missing_folder_is_reported_too(tmp_path: Path) -> None:
    """The folder was removed while the run went on."""
    with pytest.raises(OutputError, match="No such file"):
        write_atomically(tmp_path / "gone" / "manifest.json", "x")


def test_the_checksum_is_the_one_that_everybody_computes(tmp_path: Path) -> None:
    """FIPS 180's "abc"; None for no file."""
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "none") is None
