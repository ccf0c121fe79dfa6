"""Ray and Serve, started inside this process tree or joined. They print nothing: Ray's messages are in its log folder.

Law: a Ray that is started here listens on loopback alone. A joined one listens where its owner started it.
"""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray
from ray import serve
from ray._private import services
from ray._private.node import Node
from ray.exceptions import ActorAlreadyExistsError
from ray.serve.config import ProxyLocation
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from deployments.build.own_code import VARIABLE, place
from deployments.ray.folder import keep_token_private, ray_folder, standing_in
from deployments.ray.forking.needs import ALWAYS, WORKER
from deployments.ray.forking.worker import PRELOADED
from deployments.ray.loopback import on_loopback
from deployments.ray.vigil import Lost, Vigil

ROOT = Path(__file__).resolve().parents[2]
SENT = ("pyproject.toml", "README.md", "schemas", "actors", "deployments", "gleaner", "examples")
"""The parts of a clone that other nodes need (as in .dockerignore). Everything else in it stays here."""
NODE_STARTS_S = 180.0
"""How long a node that starts here may take to be known. Ray gives it 30 s, which a busy machine exceeds."""
ROUTER_APART = "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP"
SYSTEM = {
    "metrics_report_interval_ms": 60_000,
    "task_events_report_interval_ms": 0,
    "max_direct_call_object_size": 2**20,
}
"""Ray's settings for a node that starts here: its metrics are read by nobody and the events of its tasks neither. A
message of a hundred samples stays a message, and does not become a file in shared memory."""


@contextmanager
def cluster(address: str | None, *, needed: Sequence[str] = ALWAYS, lost: Lost | None = None) -> Iterator[None]:
    """A Ray with Serve for the length of the block. A Ray that was started here is stopped again; a joined one goes on.

    `needed`: modules that workers of a Ray that starts here have imported when they are forked.
    `lost` is called from another thread when a process of a Ray that was started here ends by itself.
    """
    with ExitStack() as started:
        if not ray.is_initialized():
            _connect(address, needed, started)
        logging.getLogger("ray.serve").setLevel(logging.ERROR)
        _start_serve()
        logging.getLogger("ray.serve").setLevel(logging.ERROR)
        with nullcontext() if lost is None else Vigil(lost):
            yield


def _start_serve() -> None:
    """Starts Serve when it does not run yet."""
    start = partial(
        serve.start,
        proxy_location=ProxyLocation.Disabled,
        logging_config={"log_level": "ERROR", "enable_access_log": False},
    )
    try:
        start()
    except ActorAlreadyExistsError:  # another run on the cluster started it at the same moment, and both use it
        start()


def _connect(address: str | None, needed: Sequence[str], started: ExitStack) -> None:
    """Starts a Ray, or joins one. `started` gets what must be undone at the end."""
    if address is not None:
        _join(address)
        started.callback(ray.shutdown)
        return
    folder = started.enter_context(ray_folder())
    ways = (on_loopback(), _in_a_session_of_their_own(), _patient(), _alone(), _forking(needed), _routing_in_place())
    with ExitStack() as starting:
        for way in (*ways, standing_in(folder)):
            starting.enter_context(way)
        _start_here(folder)
    started.callback(ray.shutdown)
    keep_token_private()


@contextmanager
def _in_a_session_of_their_own() -> Iterator[None]:
    """Gives the processes that Ray starts here sessions of their own. So a SIGTERM to our process group (`timeout`, a
    shell's job) or a closed terminal reaches only us, and we drain while Ray is still there. They still end with this
    process, because Ray asks the kernel for that. Ray has no argument for sessions."""
    start = services.ConsolePopen
    setattr(services, start.__name__, partial(start, start_new_session=True))
    try:
        yield
    finally:
        setattr(services, start.__name__, start)


@contextmanager
def _patient() -> Iterator[None]:
    """Waits NODE_STARTS_S for the node. Ray has no argument for its own limit, which it looks at between two asks."""
    ask = services.get_node

    def asked(*args: Any, **named: Any) -> Any:
        ends = time.monotonic() + NODE_STARTS_S
        while True:
            try:
                return ask(*args, **named)
            except RuntimeError:  # it is not known yet
                if time.monotonic() > ends:
                    raise
                time.sleep(0.1)

    services.get_node = asked
    try:
        yield
    finally:
        services.get_node = ask


@contextmanager
def _alone() -> Iterator[None]:
    """Starts none of Ray's processes that nobody here asks: a reader of all logs for drivers that print them, an
    autoscaler of nodes, and the server of a page. They take a second of a run's start, and a tenth of a core. Ray has
    no arguments for them."""
    processes = ("start_log_monitor", "start_monitor", "start_api_server")
    were = {name: getattr(Node, name) for name in processes}

    def none(self: Node, **named: Any) -> None:
        self._webui_url = ""

    for name in processes:
        setattr(Node, name, none)
    try:
        yield
    finally:
        for name, was in were.items():
            setattr(Node, name, was)


@contextmanager
def _forking(needed: Sequence[str]) -> Iterator[None]:
    """Lets the node's workers be forked from its first one (`deployments/ray/forking/worker.py`): a third of their CPU.
    Ray has no argument for what it runs as a worker."""
    start = Node.start_raylet

    def started(self: Node, *arguments: Any, **named: Any) -> None:
        self._ray_params.worker_path = str(WORKER)
        start(self, *arguments, **named)

    Node.start_raylet = started
    os.environ[PRELOADED] = ",".join(needed)
    try:
        yield
    finally:
        del os.environ[PRELOADED]
        Node.start_raylet = start


@contextmanager
def _routing_in_place() -> Iterator[None]:
    """Lets Serve's router run in the loop of a worker that calls a deployment, which is a conductor. In a thread of its
    own it would take turns with the conductor at each message. This process, which has no loop, keeps the thread."""
    before = os.environ.get(ROUTER_APART)
    os.environ[ROUTER_APART] = "0"
    try:
        yield
    finally:
        del os.environ[ROUTER_APART]
        if before is not None:
            os.environ[ROUTER_APART] = before


def here() -> NodeAffinitySchedulingStrategy:
    """A placement for actors that must run beside the output folder: on this node and no other."""
    return NodeAffinitySchedulingStrategy(node_id=ray.get_runtime_context().get_node_id(), soft=False)


def code(root: Path) -> dict[str, Any]:
    """The settings that bring this code to a joined cluster's nodes: a clone is sent, an installed package is there."""
    if not (root / "pyproject.toml").is_file():
        return {}
    excludes = ["/*", "!/.", *(f"!/{name}" for name in SENT), "/examples/almanac/models", "__pycache__", ".?*"]
    return {"working_dir": str(root), "excludes": excludes}


def _settings() -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD", "0")
    os.environ.setdefault("RAY_SERVE_FORCE_STOP_UNHEALTHY_REPLICAS", "1")  # do not wait for a hanging replica


def _join(address: str) -> None:
    _settings()
    sent = code(ROOT)
    if (own := place()) is not None:
        sent["env_vars"] = {VARIABLE: own}
    with TemporaryDirectory() as folder, standing_in(Path(folder)):
        ray.init(address=address, runtime_env=sent, logging_level=logging.ERROR, log_to_driver=False)


def _start_here(folder: Path) -> None:
    _settings()
    ray.init(
        _temp_dir=str(folder),
        address="local",  # even if RAY_ADDRESS is set, as on the nodes of a cluster
        include_dashboard=False,
        logging_level=logging.ERROR,
        log_to_driver=False,
        _system_config=SYSTEM,
    )
