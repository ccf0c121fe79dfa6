"""Stores in memory: one that does as S3 promises, and one that also fails, loses replies and delivers late."""

import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from deployments.storage.objects import ChangedError, StoredObject
from schemas.errors import StoreAwayError

T = TypeVar("T")


class MemoryStore:
    """A `deployments.storage.objects.Store`."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked = 0

    def get(self, name: str) -> StoredObject | None:
        self.asked += 1
        content = self.objects.get(name)
        return None if content is None else StoredObject(content, _etag(content))

    def put(self, name: str, content: bytes | Path) -> None:
        self.asked += 1
        self.objects[name] = content if isinstance(content, bytes) else content.read_bytes()

    def put_if(self, name: str, content: bytes, etag: str | None) -> str:
        self.asked += 1
        found = self.objects.get(name)
        if etag != (None if found is None else _etag(found)):
            raise ChangedError(name)
        self.objects[name] = content
        return _etag(content)

    def delete(self, name: str) -> None:
        self.asked += 1
        self.objects.pop(name, None)


class StormyStore:
    """The way of one process to a store. A call may fail before it is carried out, or after; a put that failed may
    still be under way, and is carried out when the storm likes: also when its process is long dead."""

    def __init__(self, store: MemoryStore, draw: random.Random, *, rate: float) -> None:
        """`rate`: the share of calls that fail."""
        self._store = store
        self._draw = draw
        self.rate = rate
        self.under_way: list[Callable[[], object]] = []

    def get(self, name: str) -> StoredObject | None:
        if self._draw.random() < self.rate:
            raise StoreAwayError("503 Slow Down")
        return self._store.get(name)

    def put(self, name: str, content: bytes | Path) -> None:
        whole = content if isinstance(content, bytes) else content.read_bytes()
        self._perhaps(lambda: self._store.put(name, whole))

    def put_if(self, name: str, content: bytes, etag: str | None) -> str:
        return self._perhaps(lambda: self._store.put_if(name, content, etag))

    def delete(self, name: str) -> None:
        self._perhaps(lambda: self._store.delete(name))

    def deliver(self) -> None:
        """One of the requests under way arrives."""
        if self.under_way:
            late = self.under_way.pop(self._draw.randrange(len(self.under_way)))
            try:
                late()
            except ChangedError:
                return  # nobody waits for its reply

    def _perhaps(self, call: Callable[[], T]) -> T:
        if self._draw.random() >= self.rate:
            return call()
        match self._draw.randrange(3):
            case 0:
                pass
            case 1:
                call()
            case _:
                self.under_way.append(call)
        raise StoreAwayError("503 Slow Down")


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'
