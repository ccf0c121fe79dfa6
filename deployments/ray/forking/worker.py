"""What a Ray that starts here runs for each worker: a node's first one imports what all need, stays, and forks them.

    python worker.py WHAT RAY PASSES

Its imports cost each of a run's dozen processes more than a second of CPU, several where there are models; a fork costs
some hundredths. The first one is a child of its raylet and ends with it; so are all others of their first one. Where a
process has imported ahead (`forking/early.py`), that one stands in for the first.

Laws: the standard library alone until it stays. Whoever cannot be forked runs Ray's own worker, as if nothing of this
were there. Forked workers draw different ids: Ray's generator is seeded at its first use, so nothing uses it before a
fork; who stays proves that on two children, or forks nobody. Ray reads its settings at its import, so a worker whose
environment says others is not forked; it reads no job then, as in workers that Ray starts before there is one. No
worker outlives its raylet by more than GRACE_S: Ray's own end of a worker can wait for itself for ever.
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
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import NamedTuple, NoReturn

PRELOADED = "GLEANER_PRELOADED"
"""The environment's variable with the names of modules beside Ray's own worker, with commas between them."""
EARLY = "GLEANER_EARLY"
"""The variable with the place of a process that has imported ahead; unset where there is none."""
OWN = "ray._private.workers.default_worker"
JOB = "RAY_JOB_ID"
NO_JOB = "ffffffff"
OF_EACH = (JOB, "RAY_LD_PRELOAD_ON_WORKERS")
"""Of Ray's variables those that are no settings."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Of libraries that start threads when they are imported, and read again what a worker is told."""
UNTOUCHED = "PYTORCH_NVML_BASED_CUDA_CHECK"
"""With it torch says whether there are GPUs without touching them, which no child could do after that."""
GRACE_S = 5.0
"""How long workers may take to end when their raylet has ended."""
LOOK_S = 0.05
LONGEST_MESSAGE = 1 << 20
WAITING = 128
STANDARD = (0, 1, 2)


def main() -> None:
    """Runs a worker: in this process, or in a child of the one that stays."""
    del sys.path[0]  # this folder, whose modules nobody means
    raylet = next(each.partition("=")[2] for each in sys.argv if each.startswith("--raylet-name="))
    place = f"{raylet}.forks"
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        door.bind(place)
        door.listen(WAITING)
    except OSError:  # another one has the place, or there is none
        if not _stands_in(place):
            _work(sys.argv)
        return
    read = settings(os.environ)
    try:
        raylet_process = os.pidfd_open(os.getppid())
        if EARLY in os.environ and _stands_in(os.environ[EARLY], door.fileno(), raylet_process):
            return
        prepare(os.environ.get(PRELOADED, "").split(","))
    except Exception:  # noqa: BLE001 - whatever it is: Ray's logs say it, and all works without this
        traceback.print_exc()
        os.unlink(place)
        door.close()
        _work(sys.argv)
        return
    stay(door, raylet_process, read)


class WorkerStart(NamedTuple):
    """How a worker was started, for a process that stands in for it."""

    argv: list[str]
    environment: dict[str, str]
    folder: str
    path: list[str]
    handed: list[int]
    """Descriptors: its standard input, output and error, and what else it gives away."""

    def take_on(self) -> None:
        """Makes this process what the worker was started as."""
        for to, each in zip(STANDARD, self.handed, strict=False):
            os.dup2(each, to)
            os.close(each)
        sys.argv = self.argv
        os.environ.clear()
        os.environ.update(self.environment)
        os.chdir(self.folder)
        sys.path[:] = self.path


def asked_by(asking: socket.socket, more: int = 0) -> WorkerStart | None:
    """What a process asks for; None of one that has ended. `more`: how many descriptors it gives away."""
    message, handed, _, _ = socket.recv_fds(asking, LONGEST_MESSAGE, len(STANDARD) + more)
    if not message:
        return None
    argv, environment, folder, path = json.loads(message)
    return WorkerStart(argv, environment, folder, path, handed)


def _stands_in(place: str, *more: int) -> bool:
    """Asks the process there to do, or to let a child do, what this one was started for; whether it does."""
    message = json.dumps([sys.argv, dict(os.environ), os.getcwd(), sys.path]).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        try:
            asking.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * LONGEST_MESSAGE)
            asking.connect(place)
            socket.send_fds(asking, [message], [*STANDARD, *more])
            return bool(asking.recv(1))
        except OSError:
            return False


def prepare(modules: list[str]) -> None:
    """Imports. Raises where children would not differ in what they draw."""
    with importing():
        importlib.import_module(OWN)
        with _own_ids():
            for module in filter(None, modules):
                importlib.import_module(module)
        gc.freeze()
    if not _drawn().isdisjoint(_drawn()):
        raise RuntimeError("forked processes of this Ray draw the same ids")


@contextmanager
def importing() -> Iterator[None]:
    """Meanwhile what is imported starts no threads, touches no GPU and finds no job; nothing of it is garbage."""
    meanwhile = {**dict.fromkeys(THREADS, "1"), JOB: NO_JOB, UNTOUCHED: "1"}
    was = {name: os.environ.get(name) for name in meanwhile}
    os.environ.update(meanwhile)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        for name, said in was.items():
            del os.environ[name]
            if said is not None:
                os.environ[name] = said


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


def stay(door: socket.socket, raylet: int, read: Mapping[str, str]) -> NoReturn:
    """Forks a worker for this process, then one for each that asks, until the raylet ends. `read`: Ray's settings."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends with the raylet
    _fork(door, None)
    while True:
        ready, _, _ = select.select([door, raylet], [], [])
        if raylet in ready:
            _end_children()
            os._exit(0)
        asking, _ = door.accept()
        asked = asked_by(asking)
        if asked is not None:
            if settings(asked.environment) == read:
                _fork(door, asked)
                asking.send(b"1")
            for each in asked.handed:
                os.close(each)
        asking.close()


def _end_children() -> None:
    """Waits for them, and kills those that are still there then."""
    until = time.monotonic() + GRACE_S
    while (left := _children()) and time.monotonic() < until:
        time.sleep(LOOK_S)
    for each in left:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def _children() -> list[int]:
    """Those that live. Linux alone says so; elsewhere none is known."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return list(map(int, file.read().split()))
    except OSError:
        return []


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What Ray has read from it, for all workers alike."""
    return {name: said for name, said in environment.items() if name.startswith("RAY_") and name not in OF_EACH}


def _fork(door: socket.socket, asked: WorkerStart | None) -> None:
    """A child that is a worker, in place of the process that asked; None: of this one."""
    if os.fork():
        return
    os.setpgid(0, 0)  # Ray ends a worker with its group
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    door.close()
    if asked is not None:
        asked.take_on()
    _work(sys.argv)
    sys.exit()


def _work(argv: list[str]) -> None:
    """Ray's own worker, as Ray starts it."""
    spec = importlib.util.find_spec(OWN)
    assert spec is not None and spec.origin is not None
    sys.argv = [spec.origin, *argv[1:]]
    runpy.run_path(spec.origin, run_name="__main__")


if __name__ == "__main__":
    main()
