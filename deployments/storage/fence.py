"""One run at a time: the head object of a store, which is only changed by a conditional put.

Law: whoever takes the run writes the next epoch with its own token, on the head that it has read. From then on every
put of an earlier holder names an old etag and is refused, however late it arrives. Clocks decide only how long a
newcomer waits for a holder that gives no sign, never who may write.

A put whose reply was lost may have been written. So after a refusal the head is read: if it has our token, we wrote it.
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from deployments.storage.objects import ChangedError, Store, StoredObject
from schemas.errors import HeldError, StoreAwayError, StoreError
from schemas.storage import VERSION, Holder, StoreHead, decode_head, encode_head

HEAD = "gleaner/head.json"
SILENT = 3.0
"""A holder that has changed nothing for so many of its `ship_s` is taken for dead. It changes the head twice in one."""
LOOKS = 6
"""In one `ship_s`."""
TRIES = 5
"""Of one change: each failed one has found that an earlier one of ours was written after all."""


class Clock(Struct, frozen=True):
    """Seconds that only grow, and a wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def holder_here(ship_s: float) -> Holder:
    """This process."""
    return Holder(socket.gethostname(), os.getpid(), _machine(), ship_s)


class Fence:
    """A run in a store, held by one process. Call `take`, then `commit`, then `release`; one thread at a time."""

    def __init__(self, store: Store, where: str, holder: Holder, token: str, *, clock: Clock = Clock()) -> None:  # noqa: B008 - frozen
        """`where`: the run's address, for messages. `token`: random."""
        self._store = store
        self._where = where
        self._holder = holder
        self._token = token
        self._clock = clock
        self._etag: str | None = None
        self.head = StoreHead(0, token)
        """As this process has last written it."""

    def take(self, waiting: Callable[[Holder], None]) -> None:
        """Takes the run. Raises HeldError when another process holds it. `waiting`: called when it has to be found out
        whether a holder is dead."""
        while True:
            found = self._store.get(HEAD)
            before = self._read(found) if found is not None else StoreHead(0, "")
            if found is not None and before.token != self._token and before.holder is not None:
                found = self._free(found, before.holder, waiting)
                before = self._read(found)
            mine = replace(before, epoch=before.epoch + 1, token=self._token, beat=0, holder=self._holder)
            try:
                self._etag = self._store.put_if(HEAD, encode_head(mine), found.etag if found is not None else None)
            except ChangedError:
                continue  # another process was faster, or a put of ours was written though its reply was lost
            self.head = mine
            return

    def commit(self, changed: StoreHead) -> None:
        """Writes the head with the given chains and notes; it proves that this process still holds the run. Raises
        HeldError when it does not."""
        mine = replace(changed, epoch=self.head.epoch, token=self._token, beat=self.head.beat + 1)
        for _ in range(TRIES):
            try:
                self._etag = self._store.put_if(HEAD, encode_head(mine), self._etag)
            except ChangedError:
                self._etag = self._own()
            else:
                self.head = mine
                return
        raise StoreAwayError(f"{self._where}: refuses each change of {HEAD}, though nobody else changes it")

    def release(self) -> None:
        """Lets go: the next process need not wait."""
        self.commit(replace(self.head, holder=None))

    def _own(self) -> str:
        """The etag of the head as it is, if it is ours."""
        found = self._store.get(HEAD)
        if found is None:
            raise HeldError(f"{self._where}: {HEAD} was removed while the run went on; the run cannot go on there")
        head = self._read(found)
        if head.token != self._token:
            by = "another process" if head.holder is None else named(head.holder)
            raise HeldError(f"{self._where}: {by} has taken the run over; this one stops")
        return found.etag

    def _free(self, found: StoredObject, holder: Holder, waiting: Callable[[Holder], None]) -> StoredObject:
        """The head of a holder that is dead, or that lets go meanwhile."""
        if _is_dead(holder):
            return found
        waiting(holder)
        until = self._clock.now() + SILENT * holder.ship_s
        while self._clock.now() < until:
            self._clock.sleep(holder.ship_s / LOOKS)
            now = self._store.get(HEAD)
            if now is not None and now.etag == found.etag:
                continue
            if now is not None and self._read(now).holder is None:
                return now
            raise HeldError(
                f"{self._where}: another run is writing here ({named(holder)}); wait for it, or choose another --output"
            )
        return found

    def _read(self, found: StoredObject) -> StoreHead:
        return read_head(found, self._where)


def read_head(found: StoredObject, where: str) -> StoreHead:
    """The head in an object. Raises StoreError for anything else, and for one of a newer program."""
    try:
        head = decode_head(found.content)
    except msgspec.DecodeError as error:
        raise StoreError(f"{where}: {HEAD} is not a run's ({error}); restore it, or choose another --output") from error
    if head.version != VERSION:
        raise StoreError(f"{where}: is a run of version {head.version}; this gleaner knows {VERSION}: use a newer one")
    return head


def named(holder: Holder) -> str:
    """A process in words."""
    return f"process {holder.pid} on {holder.host}"


def check_conditions(store: Store, where: str, token: str) -> None:
    """Raises StoreError when the store takes a conditional put whose condition does not hold."""
    name = f"gleaner/probe-{token}"
    etag = store.put_if(name, token.encode(), None)
    try:
        for condition in (None, f'"{"0" * 32}"'):
            with suppress(ChangedError):
                store.put_if(name, b"again", condition)
                raise StoreError(
                    f"{where}: the store takes conditional puts (If-Match, If-None-Match) whose condition does not "
                    f"hold (etag {etag}), so two runs could write at once; choose another store or a folder"
                )
    finally:
        store.delete(name)


def _machine() -> str:
    """What tells this boot of this machine, and this space of process numbers, from all others."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    return ""


def _is_dead(holder: Holder) -> bool:
    if not holder.machine or holder.machine != _machine():
        return False
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
