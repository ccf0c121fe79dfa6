"""A run: build, supervise, drain. One path: the command line, the library and the tests all come through `run`.

Law: whatever dies here, the ledger stands; `run` on the same folder goes on where it ended. The output folder is
finished (shards closed, manifest, card, report) whether the run came to its end, was interrupted or lost a pool.
"""

import time
from pathlib import Path

from msgspec import Struct

from actors.corpus.chunker import Chunker
from actors.corpus.reader import read
from actors.dataset.finish import finish
from actors.documents import Changed
from deployments.canaries import build_canaries
from deployments.cluster import cluster
from deployments.injecting import build_injection
from deployments.interrupts import Interrupts
from deployments.output import prepare
from deployments.supervisor import RunEnd, Supervisor, Watch
from deployments.versions import versions
from deployments.vigil import Lost
from schemas.config import RunConfig
from schemas.errors import PoolAwayError
from schemas.ids import content_id
from schemas.manifest import Manifest


class RunResult(Struct, frozen=True):
    """What a run left in its folder, and whether it came to its end."""

    manifest: Manifest
    end: RunEnd
    away: PoolAwayError | None = None
    """Which pool the run stopped for, since when and why; set when `end` is POOL_AWAY."""


def run(
    config: RunConfig,
    output: Path,
    *,
    watch: Watch = lambda progress: None,
    changed: Changed = "skip",
    lost: Lost | None = None,
) -> RunResult:
    """Runs a configuration (as `deployments.config.load` gives it) into `output`, or goes on with what is there.

    `changed`: of documents that are not what they were when their passages were planned, plan nothing, or the new ones.
    Raises UserError for what the user can mend, before anything starts where it can be known by then. `lost` is called
    from another thread when the Ray that was started for the run dies under it: without one, Ray itself says so a
    minute later and ends the process.
    """
    began_at = time.time()
    read(config.corpus)
    Chunker(config.corpus.chunking)
    build_injection(config)
    build_canaries(config)
    folder = prepare(config, output)
    with cluster(config.ray_address, lost=lost), Interrupts() as interrupts:
        supervisor = Supervisor(config, folder, run_id(folder), watch, changed=changed, began_at=began_at)
        try:
            end = supervisor.run(interrupts)
        finally:
            supervisor.stop()
    away = supervisor.away if end is RunEnd.POOL_AWAY else None
    return RunResult(manifest=finish(folder, now=time.time(), versions=versions()), end=end, away=away)


def run_id(output: Path) -> str:
    """Names the run's deployments on a shared cluster: the folder's name and a digest of its whole path."""
    stem = "".join(letter if letter.isalnum() else "-" for letter in output.name.lower()) or "run"
    return f"{stem[:24]}-{content_id(str(output.resolve()))[:6]}"


__all__ = ["RunEnd", "RunResult", "Watch", "run"]
