"""A run in an object store, from the first contact to the last put."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

from deployments.storage.address import StoreAddress
from deployments.storage.fence import Fence, check_conditions, holder_here, named
from deployments.storage.mirror import Mirror
from deployments.storage.objects import Store, UnreachableError
from deployments.storage.shipper import Shipper
from deployments.storage.work import settle
from schemas.errors import StoreAwayError, StoreError
from schemas.storage import Holder

T = TypeVar("T")

PATIENCE_S = 60.0
"""How long a store that fails is asked again before anything has started."""
FIRST_S = 3.0
"""The same, if nothing answers at its address at all: that is a wrong address more often than not."""
CLOSE_S = 10.0
"""How long a run that did not end well waits to let go of the store."""


@contextmanager
def session(
    address: StoreAddress, store: Store, folder: Path, ship_s: float, tell: Callable[[str], None]
) -> Iterator[Mirror]:
    """Takes the run, makes `folder` one that it can go on in, and holds the run while the block lasts; it is shipped
    from the mirror's `begin` on. Raises StoreError,
    HeldError when another process has the run, and StoreAwayError. `tell`: takes a line for a person."""
    where, token = str(address), token_hex(8)
    try:
        _patiently(lambda: check_conditions(store, where, token_hex(8)), unreachable_s=FIRST_S)
    except UnreachableError as error:
        raise StoreError(f"{error}; is AWS_ENDPOINT_URL right, and the server up?") from error
    holder = holder_here(ship_s)
    fence = Fence(store, where, holder, token)

    def waiting(other: Holder) -> None:
        tell(f"{named(other)} had this run and has not let go; looking for signs of its life")

    _patiently(lambda: fence.take(waiting))
    mirror = Mirror(folder, fence, Shipper(fence, store, folder), where, ship_s=ship_s)
    mirror.hold()
    try:
        _patiently(lambda: settle(folder, fence.head, store, tell))
        yield mirror
    finally:
        mirror.close(CLOSE_S)


def _patiently(call: Callable[[], T], *, unreachable_s: float = PATIENCE_S) -> T:
    """Calls until the store does not fail, or for `PATIENCE_S`. Raises StoreAwayError."""
    began_at = time.monotonic()
    while True:
        try:
            return call()
        except StoreAwayError as error:
            limit = unreachable_s if isinstance(error, UnreachableError) else PATIENCE_S
            if time.monotonic() - began_at > limit:
                raise
        time.sleep(0.5)
