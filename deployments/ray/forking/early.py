"""A process that imports the models' libraries while Ray starts, and of which Ray's workers are forked then.

    python -m deployments.ray.forking.early DOOR MODULES

torch and transformers take seconds to import, and a worker that could do it begins only when Ray is up. So this process
begins with the run. Ray reads its settings at its own import: that waits for the first worker, which hands over its
environment, its place and its raylet.

Laws: nothing of Ray is imported before. A worker that finds nobody here imports by itself. This process ends with its
parent; once it stands in for a worker, with that one's raylet.
"""

import importlib
import os
import select
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deployments.monitoring.beside import with_our_packages
from deployments.ray.forking.needs import of_models
from deployments.ray.forking.worker import EARLY, GRACE_S, PRELOADED, asked_by, importing, prepare, settings, stay
from schemas.config import RunConfig

READ_AT_IMPORT = ("HF_", "HUGGINGFACE_", "PYTORCH_", "SAFETENSORS_", "TOKENIZERS_", "TORCH", "TRANSFORMERS_", "USE_")
"""How variables begin that the models' libraries read when they are imported."""


@contextmanager
def imported_early(config: RunConfig) -> Iterator[None]:
    """For the length of the block there is such a process, if the run starts a Ray here and its models want one."""
    modules = of_models(config)
    if not modules or config.ray_address is not None or _has_ray():
        yield
        return
    with TemporaryDirectory(prefix="gleaner-early-") as folder:
        place = str(Path(folder, "door"))
        try:
            process = _started(place, modules)
        except OSError:  # a place with too long a name, no room for a process: Ray's first worker imports by itself
            yield
            return
        os.environ[EARLY] = place
        try:
            yield
        finally:
            del os.environ[EARLY]
            _end(process)


def _started(place: str, modules: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(place)
        door.listen(1)
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "deployments.ray.forking.early", str(door.fileno()), ",".join(modules)],
            stdin=subprocess.PIPE,  # it closes when this process ends, however that comes
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=with_our_packages(),
            pass_fds=[door.fileno()],
            start_new_session=True,  # Ctrl-C asks the run to drain: its workers stay until it has
        )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Before it stands in for a worker it ends at once, afterwards with Ray, which has ended."""
    process.terminate()
    try:
        process.communicate(timeout=2 * GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _has_ray() -> bool:
    """Whether this process has joined a Ray already. It imports none to know."""
    ray = sys.modules.get("ray")
    return ray is not None and ray.is_initialized()


def main() -> None:
    """Imports, waits for a worker and stands in for it."""
    number, modules = sys.argv[1:]
    read = _read(os.environ)
    with importing():
        for module in modules.split(","):
            importlib.import_module(module)
    worker = _first_worker(socket.socket(fileno=int(number)))
    asked = asked_by(worker, more=2)
    if asked is None:
        return
    *_, door, raylet = asked.handed
    asked.take_on()
    settled = settings(os.environ)
    try:
        if "ray" in sys.modules or _read(os.environ) != read:
            raise RuntimeError("this worker would have imported other things than were imported early")
        prepare(os.environ.get(PRELOADED, "").split(","))
    except Exception:  # noqa: BLE001 - whatever it is: Ray's logs say it, and the worker goes on by itself
        traceback.print_exc()
        sys.exit(1)
    worker.send(b"1")
    worker.close()
    stay(socket.socket(fileno=door), raylet, settled)


def _first_worker(door: socket.socket) -> socket.socket:
    """Waits for it, or ends with the parent, which holds the other end of the standard input."""
    ready, _, _ = select.select([door, sys.stdin], [], [])
    if sys.stdin in ready:
        os._exit(0)
    with door:
        worker, _ = door.accept()
    return worker


def _read(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: said for name, said in environment.items() if name.startswith(READ_AT_IMPORT)}


if __name__ == "__main__":
    main()
