"""What a store must be able to do. Law: a conditional put is atomic, and a get sees the last put. A list of objects is
never asked for, because it may be late."""

from pathlib import Path
from typing import Protocol

from msgspec import Struct

from schemas.errors import GleanerError, StoreAwayError


class ChangedError(GleanerError):
    """A conditional put was refused: the object is not, or no longer, what the condition says."""


class UnreachableError(StoreAwayError):
    """Nothing answers at the store's address, or a connection was cut."""


class StoredObject(Struct, frozen=True):
    """An object. `etag`: what a conditional put names it by."""

    content: bytes
    etag: str


class Store(Protocol):
    """Objects by name. Every call raises StoreAwayError for what may pass, UserError for what the user can mend."""

    def get(self, name: str) -> StoredObject | None:
        """The object; None when there is none."""
        ...

    def put(self, name: str, content: bytes | Path) -> None:
        """Writes an object, whatever was there."""
        ...

    def put_if(self, name: str, content: bytes, etag: str | None) -> str:
        """Writes the object if it is the one with this etag, or if there is none (None); gives the new etag. Raises
        ChangedError when it is not. If the reply is lost, it may have been written."""
        ...

    def delete(self, name: str) -> None:
        """Removes an object; one that is not there is no error."""
        ...
