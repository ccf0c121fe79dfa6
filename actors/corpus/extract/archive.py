"""Reads parts of a stranger's zip file, in memory. Law: nothing is written to a disk, and a part that unfolds to more
than its limit is refused, whatever size it declares."""

import io
import zipfile
import zlib

from actors.corpus.extract.answers import oversized, unreadable

_MOST_PARTS = 20_000
_MOST_BYTES = 256 << 20
"""Of all parts together."""
_MOST_RATIO = 400
"""A part that is so many times its stored size, and more than 1 MiB, is a bomb: texts fold to a tenth, XML of one
repeated row to a hundredth."""
_SMALL = 1 << 20
_ENCRYPTED = 1


class Archive:
    """A zip file's parts by name. Raises NoText for what is damaged, locked or too large."""

    def __init__(self, data: bytes) -> None:
        self._left = _MOST_BYTES
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
            raise unreadable(f"not readable as a zip file: {error}") from error
        if len(self._zip.infolist()) > _MOST_PARTS:
            raise oversized(f"a zip file of more than {_MOST_PARTS:,} parts")

    def has(self, name: str) -> bool:
        """Whether there is a part of this name."""
        return name in self._zip.NameToInfo

    def read(self, name: str) -> bytes:
        """One part's bytes."""
        info = self._zip.NameToInfo.get(name)
        if info is None:
            raise unreadable(f"its part {name[:100]} is missing")
        if info.flag_bits & _ENCRYPTED:
            raise unreadable(f"encrypted: its part {name[:100]} needs a password")
        most = min(self._left, max(_SMALL, _MOST_RATIO * info.compress_size))
        if info.file_size > most:
            raise oversized(f"its part {name[:100]} unfolds from {info.compress_size:,} to {info.file_size:,} bytes")
        try:
            with self._zip.open(info) as stream:
                data = stream.read(most + 1)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, ValueError) as error:
            raise unreadable(f"its part {name[:100]} is damaged: {error}") from error
        if len(data) > most:
            raise oversized(f"its part {name[:100]} unfolds from {info.compress_size:,} to more than {most:,} bytes")
        self._left -= len(data)
        return data
