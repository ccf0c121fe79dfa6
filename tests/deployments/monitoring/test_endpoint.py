"""The endpoint beside a run: where it listens, what it says, and what becomes of a port that is taken."""

import json
import socket
import socketserver
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from deployments.config.load import load
from deployments.monitoring.endpoint import HOST, USUAL_PORT, Metrics
from deployments.monitoring.progress import Phase
from schemas.config import RunConfig
from schemas.errors import UserError
from tests.deployments.terminal.progresses import play

EXAMPLE = Path(__file__).parents[3] / "examples" / "quickstart.yaml"


@pytest.fixture
def config() -> RunConfig:
    return load(EXAMPLE)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is shut down looks whether it is every half second."""
    monkeypatch.setattr(socketserver.BaseServer.serve_forever, "__defaults__", (0.01,))


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def page(url: str | None) -> str:
    assert url is not None
    with urllib.request.urlopen(url, timeout=10) as reply:
        return reply.read().decode()


def test_a_scrape_beside_a_run(config: RunConfig) -> None:
    """Any free port was asked for: its address is said once, and what it answers grows with the run."""
    said: list[str] = []
    progress = play()
    with Metrics(config, port=0, say=said.append) as metrics:
        assert page(metrics.url) == "" and said == []
        metrics(progress[3])
        early = page(metrics.url)
        metrics(progress[-1])
        late = page(metrics.url)
    assert said == [f"metrics at {metrics.url}"]
    assert 'gleaner_run_info{run="quickstart"' in early
    assert 'gleaner_replicas_ready{pool="generator"} 2.0' in early
    assert 'gleaner_orders_planned_total{kind="fresh"} 120.0' in late
    with pytest.raises(urllib.error.URLError):
        page(metrics.url)


@pytest.mark.slow
def test_a_run_that_is_watched_tells_its_end(config: RunConfig) -> None:
    """Prometheus asks every now and then; the run ends between two scrapes and waits for the one that sees it done."""
    pages: list[str] = []
    progress = play()[-1]
    with Metrics(config, port=0, say=print) as metrics:
        metrics(progress)
        for _ in range(2):
            pages.append(page(metrics.url))
            time.sleep(0.5)
        metrics(replace(progress, phase=Phase.DONE))
        asking = threading.Timer(0.1, lambda: pages.append(page(metrics.url)))
        asking.start()
    asking.join()
    assert ['gleaner_run_phase{phase="done"} 1.0' in page for page in pages] == [False, False, True]


def test_a_run_without_scrapes_ends_at_once(config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Prometheus, or one look with a browser: its end waits for no further look."""

    def waits(*arguments: object) -> None:
        pytest.fail("the run's end waits for somebody who does not look")

    monkeypatch.setattr(threading.Condition, "wait_for", waits)
    with Metrics(config, port=0, say=print) as metrics:
        page(metrics.url)
        metrics(replace(play()[-1], phase=Phase.DONE))


def test_only_this_machine_may_ask(config: RunConfig) -> None:
    """The port is on loopback: counts and costs of a run are visible on this machine alone."""
    with Metrics(config, port=0, say=print) as metrics:
        assert metrics.url is not None and metrics.url.startswith("http://127.0.0.1:")


def test_a_named_port_that_is_taken_is_refused(config: RunConfig, taken: int) -> None:
    """The user relies on that port, so the run does not start without metrics."""
    with pytest.raises(UserError, match=f"--metrics-port {taken}: "), Metrics(config, port=taken, say=print):
        pass


def test_the_usual_port_taken_by_another_run_is_said_and_no_more(
    config: RunConfig, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second run on one machine continues, says in one line that it has no metrics, and how to change that."""
    monkeypatch.setattr("deployments.monitoring.endpoint.USUAL_PORT", taken)
    said: list[str] = []
    with Metrics(config, port=None, say=said.append) as metrics:
        for progress in play()[:3]:
            metrics(progress)
    assert metrics.url is None
    assert len(said) == 1 and f"port {taken}" in said[0] and "--metrics-port 0" in said[0]


def look(url: str | None, path: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON of `/ready` or `/live`."""
    assert url is not None
    try:
        with urllib.request.urlopen(url.removesuffix("/metrics") + path, timeout=10) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_probe_sees_when_the_pools_answer(config: RunConfig) -> None:
    """Beside /metrics: not ready before the first report and while models load, ready when all answer."""
    (generator, *_) = play()[3].replicas
    running = replace(play()[3], replicas=(generator,))
    loading = replace(running, replicas=(replace(generator, running=0),))
    with Metrics(config, port=0, say=print) as metrics:
        before = look(metrics.url, "/ready")
        metrics(loading)
        meanwhile = look(metrics.url, "/ready")
        metrics(running)
        then, live = look(metrics.url, "/ready"), look(metrics.url, "/live")
        scraped = page(metrics.url)
    assert (before[0], before[1]["reason"]) == (503, "the run starts")
    assert (meanwhile[0], meanwhile[1]["reason"]) == (503, f"{generator.role} loading")
    assert (then[0], then[1]["ok"], live[0]) == (200, True, 200)
    assert "gleaner_run_info" in scraped


def test_a_clusters_prometheus_may_ask(config: RunConfig) -> None:
    """`--metrics-host 0.0.0.0`: the endpoint is reached by another address of this machine, and its place is said."""
    said: list[str] = []
    with Metrics(config, port=0, host="0.0.0.0", say=said.append) as metrics:
        metrics(play()[3])
        assert metrics.url is not None
        other = metrics.url.replace("0.0.0.0", "127.0.0.2")
        assert "gleaner_run_info" in page(other)
    assert said == [f"metrics at {metrics.url}"]


def test_an_address_that_is_not_this_machines_is_refused(config: RunConfig) -> None:
    """Somebody relies on it, so the run does not start without."""
    with (
        pytest.raises(UserError, match=r"--metrics-host 192\.0\.2\.1: "),
        Metrics(config, port=None, host="192.0.2.1", say=print),
    ):
        pass


def test_the_usual_port_is_prometheus_own() -> None:
    """What the page, the help text and the scrape configuration name."""
    assert USUAL_PORT == 9464
