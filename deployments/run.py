"""A run: build, supervise, drain. One path: the command line, the library and the tests all come through `run`.

Law: whatever dies here, the ledger stands; `run` on the same folder goes on where it ended. The output folder is
finished (shards closed, manifest, card, report) whether the run came to its end or was interrupted.
"""

import logging
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import ray
from msgspec import Struct
from ray.exceptions import RayActorError, RayTaskError

from actors.corpus.chunker import Chunker
from actors.corpus.reader import read
from actors.dataset.finish import finish
from deployments import serving
from deployments.actors import ConductorActor, QueueActor, ReaderActor, WriterActor
from deployments.autoscaling import Autoscaler
from deployments.cluster import cluster, here
from deployments.injecting import build_injection
from deployments.interrupts import Interrupts
from deployments.output import prepare
from deployments.progress import Phase, Progress, ReplicaStatus
from deployments.versions import versions
from schemas.config import RunConfig
from schemas.errors import GleanerError, UserError
from schemas.ids import content_id
from schemas.manifest import Manifest
from schemas.progress import RunSnapshot
from schemas.scaling import Scaling
from schemas.stages import ConductorStatus

log = logging.getLogger("gleaner.run")

TICK_S = 0.25
REPLICA_POLL_S = 1.0
CALL_S = 60.0
"""Longest wait for an answer of our own actors."""
DRAIN_S = 30.0
"""Samples in flight may take this long to end after an interrupt; then their leases are given back."""
CONDUCTOR_RESTARTS = 100

Watch = Callable[[Progress], None]


class RunEnd(Enum):
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"


class RunResult(Struct, frozen=True):
    """What a run left in its folder, and whether it came to its end."""

    manifest: Manifest
    end: RunEnd


def run(config: RunConfig, output: Path, *, watch: Watch = lambda progress: None) -> RunResult:
    """Runs a configuration (as `deployments.config.load` gives it) into `output`, or goes on with what is there.

    Raises UserError for what the user can mend, before anything starts where it can be known by then.
    """
    read(config.corpus)
    Chunker(config.corpus.chunking)
    build_injection(config)
    folder = prepare(config, output)
    with cluster(config.ray_address), Interrupts() as interrupts:
        supervisor = Supervisor(config, folder, watch)
        try:
            end = supervisor.run(interrupts)
        finally:
            supervisor.stop()
    return RunResult(manifest=finish(folder, now=time.time(), versions=versions()), end=end)


class Supervisor:
    """Starts the actors of one run, watches them, replaces dead conductors and drains."""

    def __init__(self, config: RunConfig, output: Path, watch: Watch) -> None:
        self._config = config
        self._output = output
        self._watch = watch
        self._where = serving.names(config, run_id(output))
        self._replicas: tuple[ReplicaStatus, ...] = ()
        self._replicas_at = 0.0
        self._conductors: dict[str, Any] = {}
        self._conducting: dict[Any, str] = {}
        self._conductor_names = 0
        self._autoscaler: Autoscaler | None = None
        self._scaling: Scaling | None = None
        self._queue: Any = None
        self._opened = False
        self._reading: Any = None
        self._writing: Any = None
        self._writer: Any = None

    def run(self, interrupts: Interrupts) -> RunEnd:
        """From nothing to the last order's end, or to a drained interrupt."""
        self._tell(Phase.STARTING, "starting the queue")
        self._start()
        interrupted_at: float | None = None
        while self._conducting:
            if interrupts.asked and interrupted_at is None:
                interrupted_at = time.monotonic()
                self._call(self._queue.stop_leasing.remote())
            if interrupted_at is not None and time.monotonic() - interrupted_at > DRAIN_S:
                log.warning("some samples did not end in time; their leases are given back")
                break
            self._tick()
            self._tell(Phase.RUNNING if interrupted_at is None else Phase.DRAINING)
        self._tell(Phase.FINISHING, "closing shards")
        self._call(self._writer.stop.remote())
        ray.get(self._writing, timeout=CALL_S)
        snapshot: RunSnapshot = self._call(self._queue.snapshot.remote())
        self._tell(Phase.DONE)
        return RunEnd.COMPLETE if interrupted_at is None and not snapshot.counts.outstanding else RunEnd.INTERRUPTED

    def stop(self) -> None:
        """Ends what this run started; the queue closes its ledger last."""
        for conductor in self._conductors.values():
            ray.kill(conductor)
        serving.remove(self._where)
        if self._autoscaler is not None:
            self._autoscaler.close()
        if self._opened:
            try:
                ray.get(self._queue.close.remote(), timeout=CALL_S)
            except RayActorError:
                log.warning("the queue had died; its ledger is as of its last commit")

    def _start(self) -> None:
        if self._config.ray_address is None:
            serving.check_fits(self._config, ray.cluster_resources())
        beside = {"scheduling_strategy": here()}
        self._queue = QueueActor.options(**beside).remote(self._config, str(self._output))
        self._call(self._queue.open.remote())
        self._opened = True
        self._writer = WriterActor.options(**beside).remote(self._config, str(self._output), self._queue)
        self._writing = self._writer.run.remote()
        reader = ReaderActor.options(**beside).remote(self._config, self._queue)
        self._reading = reader.run.remote()
        self._tell(Phase.STARTING, "starting models")
        self._autoscaler = Autoscaler(self._config, self._where)
        serving.deploy(self._config, self._where)
        for _ in range(self._config.conductors.count):
            self._add_conductor()

    def _add_conductor(self) -> None:
        self._conductor_names += 1
        if self._conductor_names > self._config.conductors.count + CONDUCTOR_RESTARTS:
            raise GleanerError(f"conductors died {CONDUCTOR_RESTARTS} times; see Ray's logs")
        name = f"conductor-{self._conductor_names}"
        # beside the queue too: a node that comes and goes holds replicas alone, so it can go when they do
        beside = {"scheduling_strategy": here()}
        conductor = ConductorActor.options(**beside).remote(name, self._config, self._queue, self._where)
        self._conductors[name] = conductor
        self._conducting[conductor.run.remote()] = name

    def _tick(self) -> None:
        watched = [*self._conducting, self._writing, *([self._reading] if self._reading is not None else [])]
        done, _ = ray.wait(watched, timeout=TICK_S, num_returns=1)
        for reference in done:
            if reference is self._reading or reference == self._reading:
                self._reading = None
                ray.get(reference)
            elif reference == self._writing:
                ray.get(reference)
                raise GleanerError("the dataset writer ended before the run")
            else:
                self._conductor_ended(reference)

    def _conductor_ended(self, reference: Any) -> None:
        name = self._conducting.pop(reference)
        conductor = self._conductors.pop(name)
        try:
            ray.get(reference)
        except RayActorError:
            log.warning("a conductor died; its leases return", extra={"conductor": name})
            self._call(self._queue.release.remote(name))
            self._add_conductor()
        else:
            ray.kill(conductor)

    def _tell(self, phase: Phase, note: str = "") -> None:
        now = time.time()
        snapshot: RunSnapshot | None = None
        conductors: list[ConductorStatus] = []
        if self._queue is not None:
            snapshot = self._call(self._queue.snapshot.remote())
            conductors = self._statuses()
        if self._conducting and now - self._replicas_at > REPLICA_POLL_S:
            self._replicas_at = now
            self._replicas = tuple(serving.replica_status(self._where))
            if self._autoscaler is not None and snapshot is not None:
                self._scaling = self._autoscaler.step(snapshot, conductors, self._replicas)
        if phase is Phase.RUNNING and not all(status.running for status in self._replicas):
            waiting = [status.name for status in self._replicas if not status.running]
            note = f"loading models: {len(self._replicas) - len(waiting)} of {len(self._replicas)} ready"
            phase = Phase.STARTING if snapshot is None or not snapshot.counts.attempts else phase
        pauses = {pause.name: pause for status in conductors for pause in status.paused}
        if pauses and not note:
            note = "; ".join(f"{pause.name} is paused: {pause.why}" for pause in pauses.values())
        self._watch(
            Progress(
                at=now,
                phase=phase,
                snapshot=snapshot,
                conductors=tuple(conductors),
                replicas=self._replicas,
                scaling=self._scaling,
                note=note,
            )
        )

    def _statuses(self) -> list[ConductorStatus]:
        asked = [conductor.status.remote() for conductor in self._conductors.values()]
        done, _ = ray.wait(asked, num_returns=len(asked), timeout=0.2) if asked else ([], [])
        found = []
        for reference in done:
            try:
                found.append(ray.get(reference))
            except RayActorError:
                log.debug("a conductor is being replaced")
        return found

    def _call(self, reference: Any) -> Any:
        """Our own actor's answer, its own error in place of Ray's wrapping."""
        try:
            return ray.get(reference, timeout=CALL_S)
        except RayTaskError as error:
            if isinstance(error.cause, UserError):
                raise error.cause from error
            raise


def run_id(output: Path) -> str:
    """Names the run's deployments on a shared cluster: the folder's name and a digest of its whole path."""
    stem = "".join(letter if letter.isalnum() else "-" for letter in output.name.lower()) or "run"
    return f"{stem[:24]}-{content_id(str(output.resolve()))[:6]}"
