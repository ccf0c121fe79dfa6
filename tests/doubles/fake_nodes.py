"""A cluster of fake nodes on this machine: a head and GPU workers, brought up and down by Ray's real autoscaler (v2).

Ray's own `ray.cluster_utils.AutoscalingCluster` is the model, with two differences. It runs `ray stop --force`, which
ends every Ray of the machine, the test session's too; this one ends its own processes only. And it needs an
`example.yaml` that Ray's wheel does not hold, so the same node provider is named here as an external one.

Nodes and replicas are counted in the process table: nobody connects to the cluster but the run under test.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID

from tests.doubles.absent import PATH
from tests.doubles.fake_provider import FakeNodes
from tests.doubles.ports import free_port

ROOT = Path(__file__).parents[2]
HEAD, GPU = "ray.head.default", "gpu"
STOP_S = 30.0


class FakeNode:
    """One worker node: its raylet and everything below it."""

    def __init__(self, raylet: psutil.Process) -> None:
        self._raylet = raylet

    def replicas(self, application: str) -> int:
        """Replicas of a Serve application that live here."""
        return sum(title.startswith("ray::ServeReplica:") and application in title for title in self._titles())

    def processes(self, title: str) -> int:
        """Processes whose title begins so."""
        return sum(each.startswith(title) for each in self._titles())

    def kill(self) -> None:
        """kill -9 of all its processes, as when the machine is gone."""
        for process in [self._raylet, *self._raylet.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _titles(self) -> Iterator[str]:
        with suppress(psutil.NoSuchProcess):
            for child in self._raylet.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    yield " ".join(child.cmdline())


class FakeCluster:
    """The head's process and what it started."""

    def __init__(self, head: subprocess.Popen[bytes], port: int, environment: dict[str, str], log: Path) -> None:
        self._head = psutil.Process(head.pid)
        self._log = log
        self.port = port
        self.environment = environment
        """For a process that joins: the way of authentication and the token."""

    def ready(self) -> bool:
        """Whether the head answers. Raises AssertionError with its log when it has died."""
        assert self._head.is_running() and self._head.status() != psutil.STATUS_ZOMBIE, self._log.read_text()[-3000:]
        with socket.socket() as asking:
            listening = asking.connect_ex(("127.0.0.1", self.port)) == 0
        return listening and any(self._raylets(HEAD))

    def nodes(self) -> list[FakeNode]:
        """The GPU workers that are up."""
        return [FakeNode(raylet) for raylet in self._raylets(GPU)]

    def replicas(self, application: str) -> int:
        """Replicas of a Serve application on GPU workers."""
        return sum(node.replicas(application) for node in self.nodes())

    def processes(self, title: str) -> int:
        """Processes of that title on the head, such as `ray::QueueShell`."""
        return sum(FakeNode(raylet).processes(title) for raylet in self._raylets(HEAD))

    def _raylets(self, node_type: str) -> Iterator[psutil.Process]:
        for process in self._head.children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # ended between two looks
                alive = process.name() == "raylet" and process.status() != psutil.STATUS_ZOMBIE
                if alive and process.environ().get("RAY_NODE_TYPE_NAME", HEAD) == node_type:
                    yield process


@contextmanager
def fake_cluster(*, gpu_nodes: int, idle_s: float) -> Iterator[FakeCluster]:
    """A head with CPUs and no GPU, and up to so many workers with one GPU each, gone when idle for `idle_s`."""
    folder = Path(tempfile.mkdtemp(prefix="fake-"))  # short: sockets lie in it
    port = free_port()
    (folder / "cluster.json").write_text(json.dumps(_configuration(gpu_nodes, idle_s, port)))
    (folder / "token").write_text(secrets.token_hex(32))
    environment = os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token")}
    environment |= {"PYTHONPATH": f"{PATH}{os.pathsep}{ROOT}"}  # the autoscaler loads our provider
    with (folder / "log").open("wb") as log:
        head = subprocess.Popen(
            [
                *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"),
                *(f"--port={port}", "--num-cpus=4", "--num-gpus=0", "--object-store-memory=100000000"),
                *("--include-dashboard=false", f"--ray-client-server-port={free_port()}"),
                *("--dashboard-agent-listen-port=0", "--min-worker-port=0", "--max-worker-port=0"),
                f"--temp-dir={folder}",
                f"--autoscaling-config={folder / 'cluster.json'}",
            ],
            env=environment | _AUTOSCALER, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield FakeCluster(head, port, environment, folder / "log")
    finally:
        _stop(head)
        shutil.rmtree(folder, ignore_errors=True)


_AUTOSCALER = {
    "RAY_enable_autoscaler_v2": "1",
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_FAKE_CLUSTER": "1",
    "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID,
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
}


def _configuration(gpu_nodes: int, idle_s: float, port: int) -> dict[str, Any]:
    commands = ("initialization", "setup", "head_setup", "worker_setup", "head_start_ray", "worker_start_ray")
    small = {"GPU": 1, "object_store_memory": 80 * 1024 * 1024}
    return {
        "cluster_name": "fake",
        "max_workers": gpu_nodes,
        "upscaling_speed": 100.0,
        "idle_timeout_minutes": idle_s / 60,
        "provider": {
            "type": "external",
            "module": f"{FakeNodes.__module__}.{FakeNodes.__name__}",
            "gcs_address": f"127.0.0.1:{port}",
            "head_node_id": FAKE_HEAD_NODE_ID,
            "launch_multiple": True,
        },
        "head_node_type": HEAD,
        "available_node_types": {
            HEAD: {"resources": {"CPU": 4}, "node_config": {}, "max_workers": 0},
            GPU: {"resources": small, "node_config": {}, "min_workers": 0, "max_workers": gpu_nodes},
        },
        "auth": {},
        "file_mounts": {},
        "cluster_synced_files": [],
        **{f"{name}_commands": [] for name in commands},
    }


def _stop(head: subprocess.Popen[bytes]) -> None:
    """kill -9 of everything that the head started: its process group, and what left the group."""
    below = psutil.Process(head.pid).children(recursive=True) if head.poll() is None else []
    with suppress(ProcessLookupError):
        os.killpg(head.pid, signal.SIGKILL)
    for process in below:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    head.wait()
    psutil.wait_procs(below, timeout=STOP_S)
