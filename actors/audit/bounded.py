"""Reads a file of the folder, which may be anybody's: a regular file, no link, and no more than was agreed."""

import os
import stat
from pathlib import Path


class TooLarge(Exception):
    """The file holds more than one of ours ever does."""


def read_bounded(path: Path, at_most: int) -> bytes:
    """The whole file, of `at_most` bytes. Raises TooLarge, and OSError where there is no regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise FileNotFoundError(f"{path.name} is no file")
        data = file.read(at_most + 1) if found.st_size <= at_most else b""
    if found.st_size > at_most or len(data) > at_most:
        raise TooLarge(f"it has more than {at_most >> 20:,} MiB")
    return data
