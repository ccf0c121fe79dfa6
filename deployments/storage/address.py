"""Addresses of runs in object stores. Law: an address names no key, so it may be shown and logged."""

import re
from pathlib import Path

from msgspec import Struct

from schemas.errors import StoreError

SCHEME = "s3"
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*):/+(.*)", re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PART = re.compile(r"[A-Za-z0-9_.=-]+")


class StoreAddress(Struct, frozen=True):
    """A run in a bucket: all of its objects begin with `prefix/`."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"{SCHEME}://{self.bucket}/{self.prefix}"


def is_address(output: str | Path) -> bool:
    """Whether it names another place than this machine's file system. A `Path` has one slash where there were two."""
    return _ADDRESS.fullmatch(str(output)) is not None and not Path(output).exists()


def address_of(output: str) -> StoreAddress:
    """Reads an address. Raises StoreError for a store that has not what is needed, and for what is no address."""
    found = _ADDRESS.fullmatch(output)
    scheme, rest = (found[1], found[2]) if found else ("", output)
    if scheme != SCHEME:
        raise StoreError(
            f"{output}: a run's output is kept in a folder or at {SCHEME}://BUCKET/PREFIX; {scheme}:// is not "
            f"supported, because one run at a time rests on conditional puts, which are tested on {SCHEME}:// alone"
        )
    bucket, _, prefix = rest.strip("/").partition("/")
    parts = prefix.split("/")
    if not _BUCKET.fullmatch(bucket) or not all(_PART.fullmatch(part) and part.strip(".") for part in parts):
        raise StoreError(
            f"{output}: is not {SCHEME}://BUCKET/PREFIX; a prefix has letters, digits, '_', '.', '=', '-' and '/'"
        )
    return StoreAddress(bucket, prefix)
