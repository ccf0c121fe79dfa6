"""`gleaner end`: ends a run on purpose.

Law: what is in flight still counts, and every order that is left ends as not needed. A run that goes on is asked by a
file in its folder, which it looks for four times a second. A folder that no run holds is ended here. The same command
again changes nothing.
"""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from actors.dataset.strangers import check_not_older
from actors.ledger.files import write_atomically
from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import SqliteLedger
from actors.report.finish import finish, is_finished
from deployments.build.versions import versions
from deployments.build.wiring import rebuilt
from deployments.folder.settings import differences_with, folder_config
from deployments.folder.shards import write_shards
from schemas.config import RunConfig
from schemas.errors import HeldError, UserError
from schemas.ledger import PlanEnded
from schemas.queue_shard import QueueShard
from schemas.stop import PlanEnd

REQUEST = "end.asked"
"""The file that asks a run to end."""


def is_asked(output: Path) -> bool:
    """Whether the folder's run was asked to end."""
    return (output / REQUEST).exists()


def answered(output: Path) -> None:
    """The request was carried out, and the ledgers say so."""
    (output / REQUEST).unlink(missing_ok=True)


def end(output: Path, config: RunConfig | None, *, now: Callable[[], float], wait: Callable[[], None]) -> None:
    """Ends the run of a folder, and returns when no process holds it and its files are written. `config`: where the
    task is code. `wait`: called again and again until a run that goes on has ended. Raises UserError and OutputError.
    """
    with Ledgers(output) as readers:
        shards = [reader.shard for reader in readers.each]
    changed = differences_with(output, config)
    if changed:
        raise UserError(f"{output}: is the folder of another configuration ({'; '.join(map(str, changed))})")
    with _held(output, shards, wait) as held, Ledgers(output) as readers:
        ledgers = [held.enter_context(SqliteLedger(output, shard)) for shard in shards[1:]]
        check_not_older(output)
        own = config or folder_config(output)
        for ledger, reader in zip([held.first, *ledgers], readers.each, strict=True):
            _end_plan(own, ledger, reader.shard, at=now())
            asyncio.run(write_shards(output, ledger, reader, own, now))
        if not is_finished(output):
            finish(output, now=now(), versions=versions())
        answered(output)


class _Held(ExitStack):
    """The locks of a folder. `first`: the ledger whose lock is the folder's."""

    first: SqliteLedger


def _held(output: Path, shards: list[QueueShard], wait: Callable[[], None]) -> _Held:
    held = _Held()
    while True:
        try:
            held.first = held.enter_context(SqliteLedger(output, shards[0]))
            return held
        except HeldError:
            if not is_asked(output):
                write_atomically(output / REQUEST, b"")
            wait()


def _end_plan(config: RunConfig, ledger: SqliteLedger, shard: QueueShard, *, at: float) -> None:
    """Ends what is outstanding in a ledger, unless the run came to its end by itself."""
    queue, plan = rebuilt(config, ledger, shard)
    if queue.idle and plan.over:
        return
    queue.aim.closed = True
    left = queue.end_unleased(at, None)
    ledger.append([PlanEnded(at, PlanEnd.ASKED), *left, *queue.followed()])
