"""Whether a run works, for a probe or a script: `/ready` and `/live` beside `/metrics`.

Law: an answer holds names of pools and numbers, never a text of the corpus, an address or a server's words.
"""

import json
from collections.abc import Callable, Iterable
from enum import Enum
from http import HTTPStatus
from typing import Any

from msgspec import Struct, to_builtins

from deployments.monitoring.progress import Phase, Progress, ReplicaStatus

SILENT_S = 60.0
"""A run that has reported nothing for so long is not live, as in the alert GleanerSilent. It also reports while a model
loads and while a server is away."""
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application."""


class Serving(Enum):
    """Why calls to a pool or gate are answered now, or are not."""

    READY = "ready"
    LOADING = "loading"
    PAUSED = "paused"
    """Calls to it fail, so that they wait: `gleaner status` has the words."""


class PoolCondition(Struct, frozen=True):
    """One pool or gate."""

    state: Serving
    running: int
    wanted: int


class Condition(Struct, frozen=True):
    """The answer of one look."""

    ok: bool
    reason: str
    """For a person; empty when all is well."""
    phase: str
    pools: dict[str, PoolCondition] = {}


def readiness(progress: Progress | None) -> Condition:
    """Whether every pool and gate of the run answers, and the run gives them work. `progress`: the last one."""
    if progress is None:
        return Condition(False, "the run starts", Phase.STARTING.value)
    paused = {pause.name for conductor in progress.conductors for pause in conductor.paused}
    pools = {status.role: _condition(status, paused) for status in progress.replicas}
    waits = [f"{name} {pool.state.value}" for name, pool in pools.items() if pool.state is not Serving.READY]
    if progress.phase in (Phase.DRAINING, Phase.FINISHING, Phase.DONE):
        reason = f"the run is {progress.phase.value}"
    elif not pools:
        reason = "the run starts"
    else:
        reason = ", ".join(waits)
    return Condition(not reason, reason, progress.phase.value, pools)


def liveness(progress: Progress | None, silent_s: float) -> Condition:
    """Whether the run still reports, whatever it waits for. `silent_s`: seconds since it last did."""
    if progress is None:
        return Condition(True, "the run starts", Phase.STARTING.value)
    silent = silent_s > SILENT_S
    return Condition(not silent, f"no report for {silent_s:.0f} s" if silent else "", progress.phase.value)


def answering(others: Application, looks: dict[str, Callable[[], Condition]]) -> Application:
    """An application that answers these paths itself, 200 or 503 with the condition as JSON, and leaves the rest to
    `others`."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        look = looks.get(environ.get("PATH_INFO", ""))
        if look is None:
            return others(environ, start_response)
        condition = look()
        status = HTTPStatus.OK if condition.ok else HTTPStatus.SERVICE_UNAVAILABLE
        body = json.dumps(to_builtins(condition)).encode() + b"\n"
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    return application


def _condition(status: ReplicaStatus, paused: set[str]) -> PoolCondition:
    if status.role in paused:
        state = Serving.PAUSED
    elif status.running or not status.wanted:
        state = Serving.READY
    else:
        state = Serving.LOADING
    return PoolCondition(state, status.running, status.wanted)
