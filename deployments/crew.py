"""The actors of one run: queue, reader, writer and conductors; begun, watched, made again when they die.

Laws: a death costs what was in flight and nothing that was recorded; an error that is no death ends the run. The queue
keeps its handle when Ray makes it again; the others are followed by new ones under new names. All live beside the
output folder: a node that comes and goes holds replicas alone.
"""

import logging
import os
import time
from collections import Counter
from enum import Enum
from pathlib import Path
from typing import Any

import ray
from msgspec import Struct
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError

from deployments.actors import ConductorActor, QueueActor, ReaderActor, WriterActor
from deployments.asking import ask, told
from deployments.cluster import here
from deployments.serving import DeploymentNames
from schemas.config import RunConfig
from schemas.errors import GleanerError, HopError
from schemas.progress import RunSnapshot
from schemas.stages import ConductorStatus

log = logging.getLogger("gleaner.run")

RESTARTS = 100
"""Deaths in one run, the queue's apart (as many again): a run that loses more has a cause that no restart mends."""
STATUS_S = 0.2
"""A conductor that answers later is left out of this look."""
FLUSH_S, CLOSE_S = 600.0, 60.0
"""Longest waits for the last shards, and for the ledger to be given back."""


class Role(Enum):
    READER = "reader"
    WRITER = "writer"
    CONDUCTOR = "conductor"


class Member(Struct, frozen=True):
    """An actor at work; `running` is the promise of its end."""

    role: Role
    name: str
    actor: Any
    running: Any


class Crew:
    """In this order: `open_queue`, `begin`, `watch` while `conducting`, `finish_writing`, `dismiss`, `close_queue`."""

    def __init__(self, config: RunConfig, output: Path, where: DeploymentNames) -> None:
        self._config = config
        self._output = str(output)
        self._where = where
        self._queue: Any = None
        self._members: list[Member] = []
        self._begun: Counter[Role] = Counter()
        self._deaths = 0
        self._finishing = False

    def open_queue(self) -> None:
        """Opens the ledger and replays it. Raises OutputError when another run is writing there."""
        queue = QueueActor.options(scheduling_strategy=here(), max_restarts=RESTARTS)
        queue = queue.remote(self._config, self._output, os.getpid())
        ask(queue.open)
        self._queue = queue

    def begin(self, role: Role) -> None:
        """One more of that role."""
        self._begun[role] += 1
        number = self._begun[role]
        name = f"{role.value}-{number}"
        beside = {"scheduling_strategy": here()}
        match role:
            case Role.READER:
                actor = ReaderActor.options(**beside).remote(self._config, self._queue)
            case Role.WRITER:
                actor = WriterActor.options(**beside).remote(self._config, self._output, self._queue, number)
            case Role.CONDUCTOR:
                actor = ConductorActor.options(**beside).remote(name, self._config, self._queue, self._where)
        self._members.append(Member(role, name, actor, actor.run.remote()))

    @property
    def conducting(self) -> bool:
        return any(member.role is Role.CONDUCTOR for member in self._members)

    def watch(self, timeout_s: float) -> None:
        """Waits so long for somebody's end, and makes again who died. Raises what ended one of them otherwise."""
        by_promise = {member.running: member for member in self._members}
        done, _ = ray.wait(list(by_promise), timeout=timeout_s, num_returns=1)
        for promise in done:
            self._members.remove(by_promise[promise])
            self._ended(by_promise[promise])

    def snapshot(self) -> RunSnapshot | None:
        """The run at this moment; None before the queue is open. A queue that was made again is helped to go on."""
        if self._queue is None:
            return None
        snapshot: RunSnapshot = ask(self._queue.snapshot)
        if snapshot.recovering:
            self._recover(snapshot.recovering)
        return snapshot

    def statuses(self) -> list[ConductorStatus]:
        """Of every conductor that answers at once."""
        asked = [member.actor.status.remote() for member in self._members if member.role is Role.CONDUCTOR]
        done, _ = ray.wait(asked, num_returns=len(asked), timeout=STATUS_S) if asked else ([], [])
        found = []
        for promise in done:
            try:
                found.append(ray.get(promise))
            except RayActorError:
                log.debug("a conductor is being replaced")
        return found

    def stop_leasing(self) -> None:
        """Say it again while it shall hold: a queue that is made again has forgotten it."""
        ask(self._queue.stop_leasing)

    def finish_writing(self) -> None:
        """Closes the last shards, in as many tries as the writer has deaths. Raises GleanerError when it hangs."""
        self._finishing = True
        until = time.monotonic() + FLUSH_S
        while writers := [member for member in self._members if member.role is Role.WRITER]:
            for writer in writers:
                writer.actor.stop.remote()
            if time.monotonic() > until:
                raise GleanerError(f"the last shards were not closed within {FLUSH_S:g} s; the same command goes on")
            self.watch(timeout_s=1.0)

    def dismiss(self) -> None:
        """Ends everyone but the queue."""
        for member in self._members:
            ray.kill(member.actor)
        self._members.clear()

    def close_queue(self) -> None:
        """The ledger is given back; what it holds is durable without this."""
        if self._queue is None:
            return
        try:
            ray.get(self._queue.close.remote(), timeout=CLOSE_S)
        except (RayActorError, GetTimeoutError):
            log.warning("the queue did not close; its ledger is as of its last commit")

    def _recover(self, token: str) -> None:
        """The queue has forgotten its leases: whoever lives says what it holds, and only then is anything leased."""
        log.warning("the queue died and was made again")
        for member in self._members:
            if member.role is Role.CONDUCTOR:
                try:
                    ask(member.actor.rejoin)
                except RayActorError:
                    log.debug("a conductor that died with the queue holds nothing")
        ask(self._queue.resume, token)

    def _ended(self, member: Member) -> None:
        try:
            ray.get(member.running)
        except RayTaskError as error:
            if not isinstance(error.cause, HopError):
                raise told(error) from error
            self._again(member, error)  # it lost the queue in the middle of something
        except RayActorError as error:
            self._again(member, error)
        else:
            if member.role is Role.WRITER and not self._finishing:
                raise GleanerError("the dataset writer ended before the run")
            ray.kill(member.actor)

    def _again(self, member: Member, error: Exception) -> None:
        self._deaths += 1
        if self._deaths > RESTARTS:
            raise GleanerError(f"the run's own processes died {RESTARTS} times; see Ray's logs") from error
        log.warning("an actor died and is made again", extra={"actor": member.name})
        if member.role is Role.CONDUCTOR:
            ask(self._queue.release, member.name)
        if member.role is Role.WRITER or not self._finishing:
            self.begin(member.role)
