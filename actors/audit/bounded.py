"""Reads a whole file of the folder, which may be anybody's, and no more than was agreed."""

from pathlib import Path

from actors.ledger.door import read_regular
from schemas.errors import OutputError


class TooLarge(Exception):
    """The file holds more than one of ours ever does."""


def read_bounded(path: Path, at_most: int) -> bytes:
    """The whole file, of `at_most` bytes. Raises TooLarge, and OSError where there is no regular file."""
    try:
        data = read_regular(path, at_most + 1)
    except OutputError as error:
        raise FileNotFoundError(f"{path.name} is no file") from error
    if len(data) > at_most:
        raise TooLarge(f"it has more than {at_most >> 20:,} MiB")
    return data
