"""Nodes whose workers start quickly: forked, as those of a Ray that starts here, but of a cluster that is joined."""

from pathlib import Path
from typing import Any

from deployments.ray.forking.needs import WORKER
from deployments.ray.forking.worker import PRELOADED

QUICK: dict[str, Any] = {
    "worker_path": str(WORKER),
    "setup_worker_path": str(Path(__file__).parent / "setup_worker.py"),
}
"""For `ray.cluster_utils.Cluster.add_node`."""
QUICK_ENVIRONMENT = {PRELOADED: "ray.serve._private.controller,ray.serve._private.replica,numpy"}
"""For the process that adds them. Nothing of ours: each run brings its own code."""
