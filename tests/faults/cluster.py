"""Three Ray nodes (`ray.cluster_utils.Cluster`) in a process of their own, and whom a test may kill there.

    python -m tests.faults.cluster      says its address; each line it reads adds a node; ends with its input

Processes are found by their titles below that process: nobody connects to the cluster but the run under test.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.doubles.absent import PATH
from tests.doubles.quick_nodes import QUICK, QUICK_ENVIRONMENT

NODE: dict[str, Any] = {
    "num_cpus": 8,
    "object_store_memory": 80 * 1024 * 1024,
    "include_dashboard": False,
    "include_log_monitor": False,
    **QUICK,
}
WORKERS = 2
STOP_S = 30.0
REMOVE = """
import sys, ray
from ray import serve
ray.init(sys.argv[1], log_to_driver=False)
for name in serve.status().applications:
    serve.delete(name)
"""


class ThreeNodes:
    """A head with driver, queue and conductors, and two nodes beside it; all hold replicas."""

    def __init__(self, process: "subprocess.Popen[str]", environment: dict[str, str]) -> None:
        self._process = process
        self.environment = environment
        """For a process that joins: the way of authentication and the token."""
        assert process.stdout is not None
        self.address = process.stdout.readline().strip()
        assert self.address, "the cluster's process has ended"

    def add_node(self) -> None:
        """One more node, in place of one that was killed; it comes while the test goes on."""
        assert self._process.stdin is not None
        self._process.stdin.write("a node\n")
        self._process.stdin.flush()

    def notice(self, raylet: psutil.Process, notice_s: int) -> None:
        """Tells Ray that this node will be gone in so many seconds, as a cloud's node provider does."""
        node_id = next(word.partition("=")[2] for word in raylet.cmdline() if word.startswith("--node_id="))
        subprocess.run(
            [
                *(sys.executable, "-m", "ray.scripts.scripts", "drain-node", f"--address={self.address}"),
                *(f"--node-id={node_id}", "--reason=DRAIN_NODE_REASON_PREEMPTION", "--reason-message=spot"),
                f"--deadline-remaining-seconds={notice_s}",
            ],
            env=self.environment, check=True, stdout=subprocess.DEVNULL, timeout=STOP_S,
        )  # fmt: skip

    def remove_applications(self) -> None:
        """Ends all that Serve holds, whoever deployed it."""
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [sys.executable, "-c", REMOVE, self.address],
                env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=STOP_S,
            )  # fmt: skip

    def count(self, raylet: psutil.Process, title: str) -> int:
        """Processes on that node whose title begins so."""
        return sum(_title(each).startswith(title) for each in raylet.children(recursive=True))

    def processes(self, title: str) -> list[psutil.Process]:
        """Those whose title begins so, oldest first: `ray::ConductorShell`, `ray::ServeReplica:<application>`."""
        return sorted((each for each in self._below() if _title(each).startswith(title)), key=_born)

    def workers(self) -> list[psutil.Process]:
        """The raylets of the nodes beside the head."""
        return [each for each in self._below() if _name(each) == "raylet" and "--head" not in _title(each)]

    def _below(self) -> list[psutil.Process]:
        return psutil.Process(self._process.pid).children(recursive=True)


@contextmanager
def three_nodes() -> Iterator[ThreeNodes]:
    """Started and ended here."""
    with tempfile.TemporaryDirectory(prefix="trio-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "token").write_text(secrets.token_hex(32))
        own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(Path(folder) / "token")}
        own |= {"TRIO": folder, "PYTHONPATH": PATH, **QUICK_ENVIRONMENT}
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.cluster"],
                env=os.environ | own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        try:
            yield ThreeNodes(process, os.environ | own)
        finally:
            below = psutil.Process(process.pid).children(recursive=True)
            end(psutil.Process(process.pid), *below)
            process.wait()


def end(*processes: psutil.Process) -> None:
    """kill -9, and not before they are gone; one that its parent has not asked about (a raylet) is gone, too."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    limit = time.monotonic() + STOP_S
    while any(map(_lives, processes)) and time.monotonic() < limit:
        time.sleep(0.02)


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _title(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def _name(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return process.name()
    return ""


def _born(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return process.create_time()
    return 0.0


def beside(number: int) -> dict[str, Any]:
    """What a node beside the head is started with. Each keeps the run's code in a folder of its own, as on a machine of
    its own: one that joins unpacks it anew, and deletes what lies there."""
    return NODE | {"runtime_env_dir_name": f"code-of-node-{number}"}


def main() -> None:
    from ray._common.utils import get_default_ray_temp_dir
    from ray.cluster_utils import Cluster

    os.makedirs(get_default_ray_temp_dir(), exist_ok=True)  # Cluster writes its address there, wherever its head lies
    cluster = Cluster(initialize_head=True, head_node_args=NODE | {"temp_dir": os.environ["TRIO"]})
    for number in range(1, WORKERS + 1):
        cluster.add_node(**beside(number))
    sys.stdout.write(f"{cluster.address}\n")
    sys.stdout.flush()
    for number, _ in enumerate(sys.stdin, WORKERS + 1):
        cluster.add_node(**beside(number))


if __name__ == "__main__":
    main()
