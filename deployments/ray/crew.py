"""The actors of one run: a queue, a writer and conductors for each shard, and one reader. They are started, watched,
and replaced when they die.

Laws: a death costs what was in flight, and nothing that was recorded. An error that is no death ends the run. Ray
restarts a queue under the same handle; other actors are replaced by new ones with new names, in the same shard. All of
them run beside the output folder: nodes that come and go hold only replicas.
"""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import ray
from msgspec import Struct
from msgspec.structs import replace
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError

from actors.counts.together import together
from actors.queue.parts import QueuePart, are_enough, parts
from actors.queue.preflight import LaunchTerms
from deployments.ray.actors import QueueActor, ReaderActor, WriterActor
from deployments.ray.calls import ask, ask_each, unwrapped
from deployments.ray.cluster import here
from deployments.ray.conductor import ConductorActor
from deployments.ray.launch import queue_name
from deployments.serve.board import NAMESPACE
from deployments.serve.deployments import DeploymentNames
from schemas.config import RunConfig
from schemas.errors import GleanerError, HopError, PoolAwayError, innermost
from schemas.ledger import Metered
from schemas.progress import RunSnapshot
from schemas.queue_shard import ONLY, QueueShard, ShardStanding
from schemas.stages import ConductorStatus, Pause
from schemas.stop import PlanEnd

log = logging.getLogger("gleaner.run")

RESTARTS = 100
"""The most deaths in one run, without those of queues (each queue has as many): after more, no restart will help."""
STATUS_S = 0.2
"""A conductor that answers later is left out of this snapshot."""
FLUSH_S, CLOSE_S = 600.0, 60.0
"""The longest waits for the last files, and for a queue to close its ledger."""


class Role(Enum):
    READER = "reader"
    WRITER = "writer"
    CONDUCTOR = "conductor"


class Member(Struct, frozen=True):
    """A running actor. `running`: the promise of its end. `shard`: the one that it works for (the reader: all)."""

    role: Role
    shard: QueueShard
    name: str
    actor: Any
    running: Any


class Crew:
    """Call in this order: `open_queues`, `start_queues`, `begin`, `watch` while `conducting`, `finish_writing`,
    `dismiss`, `close_queues`."""

    def __init__(self, config: RunConfig, output: Path, token: str, terms: LaunchTerms) -> None:
        """`token`: the launch's."""
        self._config = config
        self._terms = terms
        self._output = str(output.absolute())  # other processes have other working directories
        self._token = token
        self.where: DeploymentNames
        """Where conductors find pools and gates. Set before the first conductor begins."""
        self.shards = QueueShard(0, config.queue.shards).all
        self._queues: list[Any] = []
        self._members: list[Member] = []
        self._begun: Counter[Role] = Counter()
        self._parts: dict[int, QueuePart] = {}
        """The accepted samples that each queue was told it may have."""
        self._deaths = 0
        self._finishing = False
        self.away: PoolAwayError | None = None
        """The error of a conductor that ended because a pool was given up. `watch` sets it."""
        self._gave_up = ONLY

    def open_queues(self) -> None:
        """Opens the ledgers and replays them, the first one before the others, because its lock is the folder's. Raises
        OutputError when another run is writing there."""
        first, *others = (self._queue_of(shard) for shard in self.shards)
        ask(first.open)
        self._queues = [first, *others]
        ask_each(queue.open for queue in others)

    def start_queues(self, began_at: float) -> None:
        """Records that the run begins, or continues. `began_at`: when this process began to run it."""
        ask_each((queue.start for queue in self._queues), began_at)

    def begin(self, role: Role, shard: QueueShard = ONLY) -> None:
        """Starts one more actor with this role."""
        self._begun[role] += 1
        number = self._begun[role]
        name = f"{role.value}-{number}"
        queue = self._queues[shard.number]
        beside = {"scheduling_strategy": here()}
        match role:
            case Role.READER:
                reader = ReaderActor.options(**beside)
                actor = reader.remote(self._config, self._queues, self._output, self._terms.changed)
            case Role.WRITER:
                actor = WriterActor.options(**beside).remote(self._config, self._output, shard, queue, number)
            case Role.CONDUCTOR:
                actor = ConductorActor.options(**beside).remote(name, self._config, queue, self.where, self._output)
        self._members.append(Member(role, shard, name, actor, actor.run.remote()))

    @property
    def conducting(self) -> bool:
        return self._any(Role.CONDUCTOR)

    @property
    def reading(self) -> bool:
        return self._any(Role.READER)

    def watch(self, timeout_s: float) -> None:
        """Waits at most so long for an actor's end, and replaces dead actors. Raises any other error of an actor."""
        by_promise = {member.running: member for member in self._members}
        done, _ = ray.wait(list(by_promise), timeout=timeout_s, num_returns=1)
        for promise in done:
            self._members.remove(by_promise[promise])
            self._ended(by_promise[promise])

    def wait_on(self) -> None:
        """Waits for the pool after all: starts another conductor in place of the one that gave the pool up."""
        self.away = None
        self.begin(Role.CONDUCTOR, self._gave_up)

    def snapshot(self) -> RunSnapshot | None:
        """The run now; None before its queues are open. A restarted queue is given what it needs to continue."""
        if not self._queues:
            return None
        self._share_out()
        snapshots: list[RunSnapshot] = ask_each(queue.snapshot for queue in self._queues)
        for shard, snapshot in zip(self.shards, snapshots, strict=True):
            if snapshot.recovering:
                self._recover(shard, snapshot.recovering)
        return together(snapshots)

    def meter(self, metered: Metered) -> None:
        """Records how long replicas held accelerators, in the first ledger. A second record of the same moment, by a
        call that was made again, is not counted."""
        ask(self._queues[0].meter, metered)

    def statuses(self) -> list[ConductorStatus]:
        """The statuses of all conductors that answer at once."""
        return _at_once([member.actor.status.remote() for member in self._of(Role.CONDUCTOR)])

    def carry(self, most: int) -> None:
        """Tells conductors how many samples each carries. Repeat the call: a new conductor does not know it."""
        for member in self._of(Role.CONDUCTOR):
            member.actor.carry.remote(most)

    def undelivered(self) -> tuple[Pause, ...]:
        """The sinks that take no shards, from all writers that answer at once."""
        if not self._config.dataset.sinks:
            return ()
        each: list[list[Pause]] = _at_once([member.actor.undelivered.remote() for member in self._of(Role.WRITER)])
        return tuple(pause for pauses in each for pause in pauses)

    def stop_leasing(self) -> None:
        """Stops all leasing. Repeat the call while this shall hold: a restarted queue does not remember it."""
        ask_each(queue.stop_leasing for queue in self._queues)

    def finish_writing(self, meanwhile: Callable[[], None]) -> None:
        """Closes the last shards, with a new writer after each death. Raises GleanerError when that hangs."""
        self._finishing = True
        until = time.monotonic() + FLUSH_S
        while writers := [member for member in self._members if member.role is Role.WRITER]:
            for writer in writers:
                writer.actor.stop.remote()
            if time.monotonic() > until:
                raise GleanerError(f"the last shards were not closed within {FLUSH_S:g} s; the same command continues")
            self.watch(timeout_s=1.0)
            meanwhile()

    def dismiss(self) -> None:
        """Ends all actors but the queues."""
        for member in self._members:
            ray.kill(member.actor)
        self._members.clear()

    def close_queues(self) -> None:
        """Closes the ledgers. Their records are durable even without this."""
        for closing in [queue.close.remote() for queue in self._queues]:
            try:
                ray.get(closing, timeout=CLOSE_S)
            except (RayActorError, GetTimeoutError):
                log.warning("a queue did not close; its ledger is as of its last commit")

    def spend_no_more(self) -> None:
        """The budget's cost is reached. Repeat the call: a restarted queue does not remember it."""
        ask_each(queue.spend_no_more for queue in self._queues)

    def end_plan(self, why: PlanEnd) -> None:
        """Ends the plan of every queue. It is recorded, so a restarted queue remembers it."""
        ask_each((queue.end_plan for queue in self._queues), why)

    def _share_out(self) -> None:
        """Divides the accepted samples that the run is to have among several queues. A restarted queue gets its part
        again."""
        if len(self._queues) == 1:
            return
        standings: list[ShardStanding] = ask_each(queue.standing for queue in self._queues)
        if standings[0].run is None:
            return
        if are_enough(standings):
            self.end_plan(PlanEnd.ACCEPTED)
        known = [
            replace(each, most=self._parts[number].most) if each.most is None and number in self._parts else each
            for number, each in enumerate(standings)
        ]
        for number, (part, each) in enumerate(zip(parts(known), standings, strict=True)):
            if not part.holds(each):
                self._parts[number] = ask(self._queues[number].aim, part)

    def _any(self, role: Role) -> bool:
        return bool(self._of(role))

    def _of(self, role: Role) -> list[Member]:
        return [member for member in self._members if member.role is role]

    def _queue_of(self, shard: QueueShard) -> Any:
        named = {"name": queue_name(self._token), "namespace": NAMESPACE} if shard.number == 0 else {}
        options = QueueActor.options(scheduling_strategy=here(), max_restarts=RESTARTS, **named)
        return options.remote(self._config, self._output, shard, os.getpid(), self._terms.preflight)

    def _recover(self, shard: QueueShard, token: str) -> None:
        """A restarted queue has forgotten its leases. Living conductors first say what they hold; then it leases
        again."""
        log.warning("a queue died and was restarted", extra={"shard": shard.number})
        for member in self._members:
            if member.role is Role.CONDUCTOR and member.shard == shard:
                try:
                    ask(member.actor.rejoin)
                except RayActorError:
                    log.debug("a conductor that died with the queue holds nothing")
        ask(self._queues[shard.number].resume, token)

    def _ended(self, member: Member) -> None:
        try:
            ray.get(member.running)
        except RayTaskError as error:
            cause = innermost(error.cause)
            if isinstance(cause, PoolAwayError):
                self.away, self._gave_up = cause, member.shard
                ray.kill(member.actor)
                ask(self._queues[member.shard.number].release, member.name)
            elif isinstance(cause, HopError):
                self._replace(member, error)  # it lost the queue in the middle of something
            else:
                raise unwrapped(error) from error
        except RayActorError as error:
            self._replace(member, error)
        else:
            if member.role is Role.WRITER and not self._finishing:
                raise GleanerError("the dataset writer ended before the run")
            ray.kill(member.actor)

    def _replace(self, member: Member, error: Exception) -> None:
        self._deaths += 1
        if self._deaths > RESTARTS:
            raise GleanerError(f"the run's own processes died {RESTARTS} times; see Ray's logs") from error
        log.warning("an actor died and is replaced", extra={"actor": member.name})
        if member.role is Role.CONDUCTOR:
            ask(self._queues[member.shard.number].release, member.name)
        if member.role is Role.WRITER or not self._finishing:
            self.begin(member.role, member.shard)


def _at_once(asked: list[Any]) -> list[Any]:
    """The answers that are there by now."""
    done, _ = ray.wait(asked, num_returns=len(asked), timeout=STATUS_S) if asked else ([], [])
    found = []
    for promise in done:
        try:
            found.append(ray.get(promise))
        except RayActorError:
            log.debug("an actor is being replaced")
    return found
