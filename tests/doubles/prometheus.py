"""Debian's Prometheus on a free port of loopback, with this project's configuration, for as long as a block runs."""

import json
import math
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.doubles.ports import free_port

MONITORING = Path(__file__).parents[2] / "deployments" / "monitoring"
DASHBOARD = MONITORING / "grafana" / "gleaner.json"
START_S = 30.0


def panels() -> list[dict[str, Any]]:
    """Rows and panels of the dashboard, in order."""
    return json.loads(DASHBOARD.read_text("utf-8"))["panels"]


class Prometheus:
    """A running server's HTTP interface."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: str | float) -> Any:
        """The `data` of an answer. Raises AssertionError with Prometheus' own words for a query that it refuses."""
        try:
            with urllib.request.urlopen(
                f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=30
            ) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query}: {error.read().decode()}") from error

    def finite(self, expr: str, start: float, end: float) -> list[float]:
        """Every number that the expression had at any second in between."""
        matrix = self.get("query_range", query=expr, start=start, end=end, step=1)["result"]
        values = (float(value) for series in matrix for _, value in series["values"])
        return [value for value in values if math.isfinite(value)]

    def wait(self) -> None:
        """Returns when it answers."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("Prometheus does not answer")


@contextmanager
def watching(target: str, folder: Path) -> Iterator[Prometheus]:
    """Scrapes `target` (host:port) each second; everything else as in the project's own configuration."""
    for name in ("alerts.yml", "vllm-servers.yml", "gpu-nodes.yml"):
        shutil.copy(MONITORING / name, folder / name)
    configuration = (MONITORING / "prometheus.yml").read_text()
    configuration = configuration.replace("127.0.0.1:9464", target).replace("_interval: 5s", "_interval: 1s")
    (folder / "prometheus.yml").write_text(configuration)
    port = free_port()
    arguments = [
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *arguments], stdout=log, stderr=log)
        try:
            server = Prometheus(port)
            server.wait()
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)
