"""Runs whose output is in an object store, for the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployments.storage.address import address_of, is_address
from deployments.storage.mirror import Mirror
from deployments.terminal.boundary import say
from deployments.terminal.words import plural, quoted
from schemas.errors import StoreError


@contextmanager
def opened(output: str, work: Path | None, config: Path) -> Iterator[Path | Mirror]:
    """Where a run goes: a folder as it is, or a run in a store that is held and shipped meanwhile. `work`: its folder
    on this machine. Raises UserError."""
    if not is_address(output):
        if work is not None:
            raise StoreError("--work: is for runs with --output s3://…; other runs lie in their --output")
        yield Path(output)
        return
    from deployments.config.load import load
    from deployments.storage.s3 import S3
    from deployments.storage.session import session
    from deployments.storage.work import work_folder

    address = address_of(output)
    storage = load(config).storage
    folder = work if work is not None else work_folder(address)
    with session(address, S3(address), folder, storage.ship_s, say) as mirror:
        yield mirror


def show_fetched(source: str, folder: Path) -> None:
    """`gleaner fetch`: brings a run down to read it."""
    from deployments.storage.restore import fetch
    from deployments.storage.s3 import S3

    address = address_of(source)
    brought = fetch(S3(address), str(address), folder)
    say(f"{quoted(folder)}: {plural(brought.records, 'record')}, {plural(brought.shards, 'shard')}")
    if brought.lacking:
        say(f"the store lacks {plural(len(brought.lacking), 'shard')}: the run that goes on there writes them again")
