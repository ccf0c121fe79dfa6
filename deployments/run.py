"""A run: build, supervise, drain. One path: the command line, the library and the tests all come through `run`.

Law: whatever dies here, the ledger stands; `run` on the same folder goes on where it ended. The output folder is
finished (shards closed, manifest, card, report) whether the run came to its end, was interrupted or lost a pool, and
before its lock is given back: a replay or another run that takes it next finds it whole.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from msgspec import Struct

from actors.corpus.chunker import Chunker
from actors.dataset.deliveries import undelivered
from actors.dataset.spans import current
from actors.ledger.folder import Ledgers, has_orders
from actors.queue.preflight import LaunchTerms
from actors.report.finish import finish
from deployments.build.gates import check_sandboxes, inside_gates
from deployments.build.probes import build_maker, build_plan
from deployments.build.readers import read_corpus
from deployments.build.recovery import task_recovery
from deployments.build.sinks import sink_places
from deployments.build.tasks import build_task
from deployments.build.versions import versions
from deployments.folder.more import agree, raise_stop
from deployments.folder.output import prepare
from deployments.monitoring.trackers.installed import check_installed
from deployments.ray.cluster import cluster
from deployments.ray.forking.needs import needed
from deployments.ray.interrupts import Interrupts, StopRequest
from deployments.ray.supervisor import RunEnd, Supervisor, Watch
from deployments.ray.vigil import Lost
from deployments.storage.mirror import Mirror
from schemas.config import RunConfig
from schemas.config_trackers import TrackerName
from schemas.errors import PoolAwayError
from schemas.firsts import Advice
from schemas.manifest import Manifest


class RunResult(Struct, frozen=True):
    """What a run left in its folder, and whether it came to its end."""

    manifest: Manifest
    end: RunEnd
    away: PoolAwayError | None = None
    """Which pool the run stopped for, since when and why; set when `end` is POOL_AWAY."""
    advice: tuple[Advice, ...] = ()
    """What the first completions and verdicts said; set when `end` is PREFLIGHT."""
    undelivered: Mapping[str, tuple[str, ...]] = {}
    """The shards that each sink lacks; the next run of the folder delivers them. A sink that has all is left out."""
    unpublished: str | None = None
    """Why the last push to the Hub failed (`publish`); None if it did not, or none was to be made."""
    unshipped: str | None = None
    """Why the object store lacks the end of the run; None if it does not, or the run's output is a folder."""
    untracked: Mapping[TrackerName, str] = {}
    """The trackers that do not show the run's end, and why; the next run of the folder tells them."""


def run(
    config: RunConfig,
    output: Path | Mirror,
    *,
    watch: Watch = lambda progress: None,
    terms: LaunchTerms = LaunchTerms(),  # noqa: B008 - frozen
    lost: Lost | None = None,
    stop: StopRequest | None = None,
) -> RunResult:
    """Runs a configuration (as `deployments.config.load.load` gives it) into `output`, or goes on with what is there.
    A mirror's folder is shipped to its store meanwhile.

    Raises UserError for what the user can mend, before anything starts where it can be known by then. `lost` is called
    from another thread when the Ray that was started for the run dies under it: without one, Ray itself says so a
    minute later and ends the process. `stop` asks the run to end; without one, Ctrl-C and SIGTERM do.
    """
    began_at = time.time()
    read_corpus(config.corpus)
    Chunker(config.corpus.chunking)
    build_plan(config)
    build_maker(config, build_task(config))
    asyncio.run(check_sandboxes(inside_gates(config.gates)))
    task_recovery(config, build_task(config))
    sink_places(config.dataset.sinks)
    check_installed(config.trackers)
    if config.publish is not None:
        from deployments.hub.token import check_token  # the Hub's client: nobody else waits for it

        check_token(config.publish.repo)
    folder = prepare(config, output if isinstance(output, Path) else output.folder)
    if terms.more is not None:
        raise_stop(folder, config, terms.more, now=began_at)
    elif has_orders(folder):
        agree(folder)
    asking = Interrupts() if stop is None else nullcontext(stop)
    with cluster(config.ray_address, needed=needed(config), lost=lost), asking as asked:
        supervisor = Supervisor(config, output, watch, terms=terms, began_at=began_at)
        try:
            end = supervisor.run(asked)
            supervisor.dismiss()
            manifest = finish(folder, now=time.time(), versions=versions())
            unshipped = supervisor.ship()
            unpublished = None if end is RunEnd.PREFLIGHT else supervisor.publish(asked)
            untracked = supervisor.track(end, asked)
        finally:
            supervisor.stop()
    away = supervisor.away if end is RunEnd.POOL_AWAY else None
    advice = supervisor.stops_for if end is RunEnd.PREFLIGHT else ()
    return RunResult(manifest, end, away, advice, _undelivered(config, folder), unpublished, unshipped, untracked)


def _undelivered(config: RunConfig, output: Path) -> Mapping[str, tuple[str, ...]]:
    if not config.dataset.sinks:
        return {}
    with Ledgers(output) as ledgers:
        shards = [(ledger.shard, shard) for ledger in ledgers.each for shard in current(ledger.shards())]
    return undelivered(output, config.dataset.sinks, shards)


__all__ = ["RunEnd", "RunResult", "Watch", "run"]
