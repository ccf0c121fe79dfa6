"""From nothing to the last order's end: starts all that a run needs, checks it four times a second, reports and
drains."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path

import ray

from actors.counts.bill import is_spent
from actors.queue.preflight import LaunchTerms
from deployments.folder import draining
from deployments.folder.ending import answered, is_asked
from deployments.folder.output import keep
from deployments.hub.publisher import Publisher
from deployments.monitoring.live import LiveFile
from deployments.monitoring.preflight import FirstLook
from deployments.monitoring.progress import Phase, Progress, ReplicaStatus
from deployments.monitoring.standstill import Standstill, waits_of
from deployments.monitoring.trackers.follower import AWAY_END_S, END_S, Followers
from deployments.ray.autoscaling import Autoscaler
from deployments.ray.crew import Crew, Role
from deployments.ray.interrupts import StopRequest
from deployments.ray.launch import launch_of, new_token
from deployments.serve import deployments as serving
from deployments.storage.mirror import Mirror
from schemas.config import RunConfig
from schemas.config_trackers import TrackerName
from schemas.errors import PoolAwayError
from schemas.firsts import Advice, Preflight
from schemas.ledger import Metered
from schemas.progress import RunSnapshot, Summary
from schemas.scaling import ScalingDecision
from schemas.stages import ConductorStatus, Pause
from schemas.stop import PlanEnd

log = logging.getLogger("gleaner.run")

TICK_S = 0.25
REPLICA_POLL_S = 1.0
METER_S = 30.0
"""How often it is recorded how long replicas have held accelerators: a kill loses at most so much of the bill."""
DRAIN_S = 30.0
"""Samples in flight may take this long to end after an interrupt; then their leases go back to the queue."""

Watch = Callable[[Progress], None]


class RunEnd(Enum):
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    POOL_AWAY = "pool_away"
    """A pool that every order needs gave no answer for `conductors.outage_s`."""
    PREFLIGHT = "preflight"
    """The first completions or verdicts are bad, and this launch shall stop for that."""


class Supervisor:
    """Owns a run's actors and deployments. Call `stop` in any case after `run`."""

    def __init__(
        self,
        config: RunConfig,
        output: Path | Mirror,
        watch: Watch,
        *,
        began_at: float,
        terms: LaunchTerms,
    ) -> None:
        self._terms = terms
        self._first_look = FirstLook()
        self._advice: tuple[Advice, ...] = ()
        self._config = config
        self._began_at = began_at
        self._watch = watch
        self._mirror = output if isinstance(output, Mirror) else None
        self._output = folder = output.folder if isinstance(output, Mirror) else output
        self._token = new_token()
        self._crew = Crew(config, folder, self._token, terms)
        self._replicas: tuple[ReplicaStatus, ...] = ()
        self._replicas_at = float("-inf")
        self._metered_at = float("-inf")
        self._loaded: set[str] = set()
        self._autoscaler: Autoscaler | None = None
        self._scaling: ScalingDecision | None = None
        self._standstill = Standstill()
        self._live: LiveFile | None = None
        self._publisher = None if config.publish is None else Publisher(config.publish, folder)
        self._followers = Followers(config, folder)
        self._where: serving.DeploymentNames
        self._deployed = False

    def run(self, stop: StopRequest) -> RunEnd:
        """Runs to the last order's end, or to a drained stop after an interrupt or when a pool is given up."""
        self._report(Phase.STARTING, "starting the queue")
        self._start(stop)
        stopped_at = time.monotonic() if stop.asked else None
        while self._crew.conducting:
            if stop.asked or self.away is not None or self.stops_for:
                stopped_at = time.monotonic() if stopped_at is None else stopped_at
                self._crew.stop_leasing()
                if time.monotonic() - stopped_at > DRAIN_S:
                    log.warning("some samples did not end in time; their leases are given back")
                    break
            self._crew.watch(TICK_S)
            self._end_if_asked()
            if draining.is_asked(self._output):
                stop.ask()
            self._publish_if_due()
            if self.away is not None and self._is_loading(self.away.pool):
                self._crew.wait_on()
            self._report(Phase.RUNNING if stopped_at is None else Phase.DRAINING)
        self._report(Phase.FINISHING, "closing shards")
        self._meter()
        self._crew.finish_writing(self._closing_shards)
        snapshot = self._crew.snapshot()
        self._report(Phase.DONE)
        assert snapshot is not None
        if self.away is not None and not stop.asked:
            log.error("stopped", extra={"why": str(self.away)})
            return RunEnd.POOL_AWAY
        if self.stops_for and snapshot.counts.outstanding and not stop.asked:
            return RunEnd.PREFLIGHT
        return RunEnd.COMPLETE if stopped_at is None and not snapshot.counts.outstanding else RunEnd.INTERRUPTED

    @property
    def away(self) -> PoolAwayError | None:
        """The pool that a conductor gave up; None while all pools answer."""
        return self._crew.away

    @property
    def stops_for(self) -> tuple[Advice, ...]:
        """Advice from this launch's first completions and verdicts, if the launch shall stop for it."""
        return self._advice if self._terms.preflight is Preflight.STOP else ()

    def publish(self, stop: StopRequest) -> str | None:
        """The last push of a finished folder, if the run publishes; gives why it failed."""
        if self._publisher is None or stop.asked:
            return None

        def goes_on() -> bool:
            self._report(Phase.DONE, "bringing the samples to the Hub")
            return not stop.asked

        return self._publisher.finish(goes_on)

    def ship(self) -> str | None:
        """Brings the rest of a finished folder to its object store, if it has one; gives why that failed."""
        if self._mirror is None:
            return None

        def goes_on() -> bool:
            self._report(Phase.DONE, "shipping the rest")
            return True

        return self._mirror.finish(goes_on)

    def track(self, end: RunEnd, stop: StopRequest) -> Mapping[TrackerName, str]:
        """Tells the trackers of the finished folder; gives those that it did not reach, and why."""
        asked = stop.asked

        def goes_on() -> bool:
            self._report(Phase.DONE, "telling the trackers")
            return asked or not stop.asked

        wait_s = AWAY_END_S if asked else END_S
        return self._followers.finish(complete=end is RunEnd.COMPLETE, wait_s=wait_s, goes_on=goes_on)

    def stop(self) -> None:
        """Ends what this run started, and nothing else. The queue closes its ledger last."""
        if self._publisher is not None:
            self._publisher.stop()
        self._followers.stop()
        self.dismiss()
        if self._live is not None:
            self._live.end()
        self._crew.close_queues()

    def dismiss(self) -> None:
        """Ends all but the queues: processes and accelerators become free, and the folder still belongs to the run."""
        self._crew.dismiss()
        if self._deployed:
            serving.remove(self._where.all)
        if self._autoscaler is not None:
            self._autoscaler.close()
            self._autoscaler = None

    def _start(self, stop: StopRequest) -> None:
        """Starts the actors; models and conductors only if the folder is not complete or its corpus has grown."""
        if self._config.ray_address is None:
            serving.check_fits(self._config, ray.cluster_resources())
        self._crew.open_queues()
        draining.forget(self._output)
        keep(self._config, self._output)
        if self._mirror is not None:
            self._mirror.begin()
        self._crew.start_queues(self._began_at)
        self._end_if_asked()
        launch = launch_of(self._output, self._token)
        self._live = LiveFile(self._output, launch.name)
        self._where = self._crew.where = serving.names(self._config, launch.name)
        serving.remove_leftovers(launch.folder)
        for shard in self._crew.shards:
            self._crew.begin(Role.WRITER, shard)
        self._crew.begin(Role.READER)
        if self._complete():
            self._report(Phase.STARTING, "reading the corpus again")
            while self._crew.reading and self._complete() and not stop.asked:
                self._crew.watch(TICK_S)
                self._report(Phase.STARTING, "reading the corpus again")
            if self._complete() or stop.asked:
                return
        self._report(Phase.STARTING, "starting models")
        self._autoscaler = Autoscaler(self._config, self._where)
        self._deployed = True
        serving.deploy(self._config, self._where, self._output)
        for number in range(self._config.conductors.count):
            self._crew.begin(Role.CONDUCTOR, self._crew.shards[number % len(self._crew.shards)])

    def _end_if_asked(self) -> None:
        """`gleaner end` asks a run in its folder."""
        if is_asked(self._output):
            self._crew.end_plan(PlanEnd.ASKED)
            answered(self._output)

    def _is_loading(self, pool: str) -> bool:
        """Whether no replica of the pool has run yet. Serve decides how long a model may load, and ends the run when it
        cannot start."""
        application = self._where.by_role.get(pool)
        return application is not None and application not in self._loaded

    def _meter(self) -> None:
        held = () if self._autoscaler is None else self._autoscaler.held()
        if held:
            self._crew.meter(Metered(time.time(), held))

    def _publish_if_due(self) -> None:
        if self._publisher is not None:
            self._publisher.tick()

    def _closing_shards(self) -> None:
        self._publish_if_due()
        self._report(Phase.FINISHING, "closing shards")

    def _undelivered(self) -> tuple[Pause, ...]:
        """The sinks that take nothing; the Hub, the object store and the trackers are among them."""
        published = None if self._publisher is None else self._publisher.pause
        shipped = None if self._mirror is None else self._mirror.pause
        return (*self._crew.undelivered(), *filter(None, (published, shipped)), *self._followers.pauses)

    def _complete(self) -> bool:
        snapshot = self._crew.snapshot()
        return snapshot is not None and snapshot.complete

    def _report(self, phase: Phase, note: str = "") -> None:
        if self._mirror is not None:
            self._mirror.check()
        now, ticked = time.time(), time.monotonic()
        snapshot, conductors = self._crew.snapshot(), self._crew.statuses()
        if snapshot is not None and is_spent(self._config, snapshot.summary):
            self._crew.spend_no_more()
        self._advice = self._first_look.said(None if snapshot is None else snapshot.summary)
        if self._crew.conducting and ticked - self._replicas_at > REPLICA_POLL_S:
            self._replicas_at = ticked
            self._look_after_replicas(snapshot, conductors, ticked=ticked)
        if phase is Phase.RUNNING and not all(status.running for status in self._replicas):
            waiting = [status.name for status in self._replicas if not status.running]
            note = f"loading models: {len(self._replicas) - len(waiting)} of {len(self._replicas)} ready"
            phase = Phase.STARTING if snapshot is None or not snapshot.counts.attempts else phase
        moved_at = None
        if self._crew.conducting:
            moved_at = self._standstill.moved_at(snapshot.summary if snapshot is not None else Summary(), at=now)
        progress = Progress(
            at=now,
            phase=phase,
            snapshot=snapshot,
            conductors=tuple(conductors),
            replicas=self._replicas,
            scaling=self._scaling,
            note=note,
            sinks=self._undelivered(),
            moved_at=moved_at,
            advice=self._advice,
        )
        self._standstill.log(waits_of(progress), now=now)
        if self._live is not None:
            self._live.tell(progress)
        self._followers.tell(progress)
        self._watch(progress)

    def _look_after_replicas(
        self, snapshot: RunSnapshot | None, conductors: Sequence[ConductorStatus], *, ticked: float
    ) -> None:
        """Lost ones come back, their number and what is in flight follow the load, and what they hold is metered."""
        if lost := serving.lost_with_a_node(self._where):
            log.warning("deployed again: the node of its first replicas died", extra={"pools": ", ".join(lost)})
            serving.deploy(self._config, self._where, self._output, only=lost)
        self._replicas = tuple(serving.replica_status(self._where))
        self._loaded |= {status.name for status in self._replicas if status.running}
        if self._autoscaler is not None and snapshot is not None:
            self._scaling = self._autoscaler.step(snapshot, conductors, self._replicas)
            if self._scaling.in_flight is not None:
                self._crew.carry(self._scaling.in_flight)
            if ticked - self._metered_at > METER_S:
                self._metered_at = ticked
                self._meter()
