"""What a Ray that starts here runs for each worker: a node's first one imports what all need, stays, and forks them.

    python worker.py WHAT RAY PASSES

Its imports cost each of a run's dozen processes more than a second of CPU, several where there are models; a fork costs
some hundredths. The first one is a child of its raylet and ends with it; so are all others of their first one.

Laws: the standard library alone until it stays. Whoever cannot be forked runs Ray's own worker, as if nothing of this
were there. Forked workers draw different ids: Ray's generator is seeded at its first use, so nothing uses it before a
fork; who stays proves that on two children, or forks nobody. Ray reads its settings at its import, so a worker whose
environment says others is not forked; it reads no job then, as in workers that Ray starts before there is one.
"""

import gc
import importlib
import importlib.util
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import NoReturn

PRELOADED = "GLEANER_PRELOADED"
"""The environment's variable with the names of modules beside Ray's own worker, with commas between them."""
OWN = "ray._private.workers.default_worker"
JOB = "RAY_JOB_ID"
NO_JOB = "ffffffff"
OF_EACH = (JOB, "RAY_LD_PRELOAD_ON_WORKERS")
"""Of Ray's variables those that are no settings."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Of libraries that start threads when they are imported, and read again what a worker is told."""
UNTOUCHED = "PYTORCH_NVML_BASED_CUDA_CHECK"
"""With it torch says whether there are GPUs without touching them, which no child could do after that."""
LONGEST_MESSAGE = 1 << 20
WAITING = 128
STANDARD = (0, 1, 2)


def main() -> None:
    """Runs a worker: in this process, or in a child of the one that stays."""
    del sys.path[0]  # this folder, whose modules nobody means
    raylet = next(each.partition("=")[2] for each in sys.argv if each.startswith("--raylet-name="))
    place = f"{raylet}.forks"
    settings = _settings(os.environ)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        door.bind(place)
        door.listen(WAITING)
    except OSError:  # another one has the place, or there is none
        if not _is_forked(place):
            _work(sys.argv)
        return
    try:
        raylet_process = os.pidfd_open(os.getppid())
        prepare(os.environ.get(PRELOADED, "").split(","))
    except Exception:  # noqa: BLE001 - whatever it is: Ray's logs say it, and all works without this
        traceback.print_exc()
        os.unlink(place)
        door.close()
        _work(sys.argv)
        return
    _stay(door, raylet_process, settings)


def _is_forked(place: str) -> bool:
    """Asks the one that stays for a child that does what this process was started for."""
    message = json.dumps([sys.argv, dict(os.environ), os.getcwd(), sys.path]).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        try:
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * LONGEST_MESSAGE)
            asking.connect(place)
            socket.send_fds(asking, [message], STANDARD)
            return bool(asking.recv(1))
        except OSError:
            return False


def prepare(modules: list[str]) -> None:
    """Imports. Raises where children would not differ in what they draw."""
    meanwhile = {**dict.fromkeys(THREADS, "1"), JOB: NO_JOB, UNTOUCHED: "1"}
    was = {name: os.environ.get(name) for name in meanwhile}
    os.environ.update(meanwhile)
    gc.disable()
    importlib.import_module(OWN)
    with _own_ids():
        for module in filter(None, modules):
            importlib.import_module(module)
    gc.freeze()
    gc.enable()
    for name, said in was.items():
        del os.environ[name]
        if said is not None:
            os.environ[name] = said
    if not _drawn().isdisjoint(_drawn()):
        raise RuntimeError("forked processes of this Ray draw the same ids")


@contextmanager
def _own_ids() -> Iterator[None]:
    """Meanwhile classes that become actors get ids from the system, and not from Ray's generator."""
    from ray import ActorClassID, actor

    name = ActorClassID.__name__
    setattr(actor, name, SimpleNamespace(from_random=lambda: ActorClassID(os.urandom(ActorClassID.size()))))
    try:
        yield
    finally:
        setattr(actor, name, ActorClassID)


def _drawn() -> set[bytes]:
    """Ids that a child draws, in its first thread and in another one. Raises where a child is of no use."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        from ray import UniqueID

        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda._is_in_bad_fork():
            os._exit(1)
        draws = UniqueID.from_random
        os.write(writes, draws().binary())
        other = threading.Thread(target=lambda: os.write(writes, draws().binary()))
        other.start()
        other.join()
        os._exit(0)
    os.close(writes)
    with open(reads, "rb") as pipe:
        drawn = pipe.read()
    os.waitpid(child, 0)
    half = len(drawn) // 2
    if not drawn:
        raise RuntimeError("a forked process would draw no ids of this Ray, or use no GPU")
    return {drawn[:half], drawn[half:]}


def _stay(door: socket.socket, raylet: int, settings: Mapping[str, str]) -> NoReturn:
    """Forks a worker for this process, then one for each that asks, until the raylet ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    _fork(door, sys.argv)
    while True:
        ready, _, _ = select.select([door, raylet], [], [])
        if raylet in ready:
            os._exit(0)
        asking, _ = door.accept()
        message, standard, _, _ = socket.recv_fds(asking, LONGEST_MESSAGE, len(STANDARD))
        argv, environment, folder, path = json.loads(message) if message else ([], {}, "", [])
        if message and _settings(environment) == settings:
            _fork(door, argv, standard=standard, environment=environment, folder=folder, path=path)
            asking.send(b"1")
        asking.close()
        for each in standard:
            os.close(each)


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What Ray has read from it, for all workers alike."""
    return {name: said for name, said in environment.items() if name.startswith("RAY_") and name not in OF_EACH}


def _fork(
    door: socket.socket,
    argv: list[str],
    *,
    standard: list[int] | None = None,
    environment: dict[str, str] | None = None,
    folder: str | None = None,
    path: list[str] | None = None,
) -> None:
    """A child that is a worker, in place of the process that asked for it."""
    if os.fork():
        return
    os.setpgid(0, 0)  # Ray ends a worker with its group
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    door.close()
    for to, each in zip(STANDARD, standard or (), strict=False):
        os.dup2(each, to)
        os.close(each)
    if environment is not None:
        os.environ.clear()
        os.environ.update(environment)
    if folder is not None:
        os.chdir(folder)
    if path is not None:
        sys.path[:] = path
    _work(argv)
    sys.exit()


def _work(argv: list[str]) -> None:
    """Ray's own worker, as Ray starts it."""
    spec = importlib.util.find_spec(OWN)
    assert spec is not None and spec.origin is not None
    sys.argv = [spec.origin, *argv[1:]]
    runpy.run_path(spec.origin, run_name="__main__")


if __name__ == "__main__":
    main()
