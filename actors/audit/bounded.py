"""Reads a whole file of the folder, up to a given size: the folder may come from a stranger."""

from pathlib import Path

from actors.ledger.door import read_regular
from schemas.errors import OutputError


class TooLarge(Exception):
    """The file is larger than any file of ours."""


def read_bounded(path: Path, at_most: int) -> bytes:
    """The whole file, of at most `at_most` bytes. Raises TooLarge, and OSError when it is not a regular file."""
    try:
        data = read_regular(path, at_most + 1)
    except OutputError as error:
        raise FileNotFoundError(f"{path.name} is not a file") from error
    if len(data) > at_most:
        raise TooLarge(f"it has more than {at_most >> 20:,} MiB")
    return data
