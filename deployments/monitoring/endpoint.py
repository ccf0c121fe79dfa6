"""One `/metrics` for a run, with `/ready` and `/live` beside it: on this machine's loopback, unless the user names
another address. It gets every Progress, and Prometheus reads it.

Law: monitoring costs the run almost nothing and never makes it fail. A port or an address that the user names must be
free. The usual port may be another run's; then this run continues without metrics and says so.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from types import TracebackType
from typing import Self, cast

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from actors.metrics.collector import RunCollector
from actors.metrics.metric import PoolReplicas, Run, RunMoment
from deployments.monitoring.condition import Application, Condition, answering, liveness, readiness
from deployments.monitoring.progress import Phase, Progress
from schemas.config import RunConfig
from schemas.config_cascade import judging
from schemas.config_gates import CustomGate, GateModel, brought_modes
from schemas.errors import UserError
from schemas.vectors import EMBEDDER

HOST = "127.0.0.1"
USUAL_PORT = 9464
LAST_SCRAPE_S = 15.0
"""At its end a monitored run waits at most so long for one more scrape. Without it the monitor would miss the last
counts and the run's end."""


class Metrics:
    """A run's metrics while the block runs; call it with every Progress. `port`: None for the usual one, 0 for any.
    `host`: None for loopback alone.

    `say` is called when the metrics are not at the usual place, and when there are none. Raises UserError when a place
    that the user named cannot be had.
    """

    def __init__(
        self, config: RunConfig, *, port: int | None, say: Callable[[str], None], host: str | None = None
    ) -> None:
        self._host = HOST if host is None else host
        self._port = USUAL_PORT if port is None else port
        self._option = f"--metrics-port {port}" if port is not None else f"--metrics-host {host}" if host else None
        self._say = say
        self._to_say = ""
        self._scrapes = _Scrapes(RunCollector(run_facts(config)))
        self._done = False
        self._server = None
        self._thread = None

    @property
    def url(self) -> str | None:
        """The address for scrapes; None when the usual port was taken."""
        if self._server is None:
            return None
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.server_port}/metrics"

    def __enter__(self) -> Self:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self._scrapes)
        try:
            self._server, self._thread = start_http_server(self._port, addr=self._host, registry=registry)
        except (OSError, OverflowError) as error:
            if self._option is not None:
                why = getattr(error, "strerror", None) or error
                raise UserError(
                    f"{self._option}: {why}; name another, or port 0 for any that is free (docs/monitoring.md)"
                ) from error
            self._to_say = (
                f"no metrics: port {self._port} of {HOST} is taken (another run?); --metrics-port 0 takes a free one"
            )
        else:
            scraped = cast(Application, self._server.get_app())
            self._server.set_app(answering(scraped, {"/ready": self._scrapes.ready, "/live": self._scrapes.live}))
            self._to_say = "" if self._option is None else f"metrics at {self.url}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            if self._done:
                self._scrapes.wait_for_last()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def __call__(self, progress: Progress) -> None:
        if self._to_say:  # only after the run has begun, so that a refusal of it stands alone
            self._say(self._to_say)
            self._to_say = ""
        self._scrapes.tell(progress)
        self._done = progress.phase is Phase.DONE


class _Scrapes(Collector):
    """The collector, the times of the last scrapes, and the last Progress for those who ask whether the run works."""

    def __init__(self, collector: RunCollector) -> None:
        self._collector = collector
        self._scraped = threading.Condition()
        self._scraped_at: tuple[float, ...] = ()
        self._told_at = 0.0
        self._last: Progress | None = None

    def tell(self, progress: Progress) -> None:
        self._collector.tell(moment(progress))
        self._told_at = time.monotonic()
        self._last = progress

    def ready(self) -> Condition:
        return readiness(self._last)

    def live(self) -> Condition:
        return liveness(self._last, time.monotonic() - self._told_at)

    def describe(self) -> Iterator[Family]:
        return self._collector.describe()

    def collect(self) -> Iterator[Family]:
        yield from self._collector.collect()
        with self._scraped:
            self._scraped_at = (*self._scraped_at[-1:], time.monotonic())
            self._scraped.notify_all()

    def wait_for_last(self) -> None:
        """Returns when the last counts were scraped; at once when there are no regular scrapes (any more)."""
        with self._scraped:
            if len(self._scraped_at) < 2:
                return
            before, last = self._scraped_at
            due_s = last + 1.5 * (last - before) - time.monotonic()
            self._scraped.wait_for(lambda: self._scraped_at[-1] > self._told_at, min(LAST_SCRAPE_S, max(0.0, due_s)))


def moment(progress: Progress) -> RunMoment:
    """A Progress in the terms of the metrics: pools and gates by their names in the configuration."""
    return RunMoment(
        at=progress.at,
        phase=progress.phase.value,
        snapshot=progress.snapshot,
        conductors=progress.conductors,
        replicas={
            status.role: PoolReplicas(status.wanted, status.running, status.starting, status.draining)
            for status in progress.replicas
        },
        scaling=progress.scaling,
    )


def run_facts(config: RunConfig) -> Run:
    """What a run's configuration says about its metrics."""
    return Run(
        name=config.name,
        version=version("gleaner"),
        pools=tuple(config.pools),
        phases=tuple(phase.value for phase in Phase),
        budget_tokens=math.inf if config.budget.tokens is None else float(config.budget.tokens),
        gates=judging(config.gates),
        judges=tuple(name for name, gate in config.gates.items() if isinstance(gate, GateModel | CustomGate)),
        modes=tuple(brought_modes(config.gates)),
        repairs=tuple(config.recovery.own_repairs),
        embedders=() if config.judging.embedder is None else (EMBEDDER,),
    )
