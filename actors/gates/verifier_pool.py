"""Processes that compare answers and can be killed. Law: a pair ends within its limit, whatever it is; its process dies
with it if it must, another takes its place, and no other pair is lost.

The limit is of processor time, so that a busy machine makes no errors; a process that gets none is waited for
`PATIENCE` times as long, then killed, and the pair may be asked again.

Plain pipes and threads: it needs no event loop of its own and leaves signals and child watchers alone. Each process
has a thread that waits for it; a process is started when there is something to compare, and again after it was killed.
"""

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from queue import LifoQueue

import msgspec

from actors.gates.verifier import AnswerPair, Exhausted, Reply, WorkerLimits
from schemas.errors import ErrorKind, JudgeError

START_S = 60.0
"""A process may take so long to load the library, on a busy machine."""
PATIENCE = 20
_REPLIES: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


class VerifierPool:
    """`processes` comparing processes, as `actors.gates.verifier.Comparer`."""

    def __init__(self, limits: WorkerLimits, *, processes: int) -> None:
        self._threads = ThreadPoolExecutor(max_workers=processes, thread_name_prefix="verifier")
        self._idle: LifoQueue[Worker] = LifoQueue()
        self._workers = [Worker(limits) for _ in range(processes)]
        for worker in self._workers:
            self._idle.put(worker)

    async def compare(self, pair: AnswerPair) -> Reply:
        """Waits for a free process, then at most the time limit. Raises JudgeError when a process failed."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._compare, pair)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that are there now."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    def close(self) -> None:
        """Ends every process; comparisons under way fail. Returns when all have ended."""
        for worker in self._workers:
            worker.stop()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._workers:
            worker.kill()

    def _compare(self, pair: AnswerPair) -> Reply:
        worker = self._idle.get()
        try:
            return worker.compare(pair)
        finally:
            self._idle.put(worker)


class Worker:
    """One process, started when it is needed."""

    def __init__(self, limits: WorkerLimits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return None if self._process is None else self._process.pid

    def compare(self, pair: AnswerPair) -> Reply:
        """The reply, or what ran out. Raises JudgeError when the process cannot be started or died by itself."""
        process = self._process or self._started()
        wait_s = PATIENCE * self._limits.timeout_s
        try:
            reply = _exchange(process, msgspec.json.encode(pair) + b"\n", wait_s)
        except TimeoutError as error:
            self.kill()
            raise JudgeError(ErrorKind.RETRYABLE, f"the verifying process got no answer in {wait_s:g} s") from error
        if reply is None:
            dead = self._dead(process)
            if process.returncode != -signal.SIGPROF:
                raise dead
            return Exhausted(f"time ({self._limits.timeout_s:g} s)")
        if isinstance(reply, Exhausted):  # what is left of its memory and stack is nobody's guess
            self.kill()
        return reply

    def stop(self) -> None:
        """From any thread: the process ends, whoever waits for it is told so, and none is started any more."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()

    def kill(self) -> None:
        """Ends the process at once and waits for its end. Not while another thread compares."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._stopped:
            raise JudgeError(ErrorKind.RETRYABLE, "the verifier was closed")
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "actors.gates.equality_worker", msgspec.json.encode(self._limits).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self._process = process
        try:
            ready = _exchange(process, b"", START_S)
        except TimeoutError as error:
            self.kill()
            raise JudgeError(ErrorKind.RETRYABLE, f"no verifying process within {START_S:g} s") from error
        if ready is None:  # no expression's fault: nothing can be verified here, and the gate is paused
            dead = self._dead(process)
            raise JudgeError(ErrorKind.RETRYABLE, f"a verifying process cannot start: {dead.detail}")
        return process

    def _dead(self, process: subprocess.Popen[bytes]) -> JudgeError:
        self.kill()
        code = process.returncode
        kind = ErrorKind.RETRYABLE if code == -signal.SIGKILL else ErrorKind.PERMANENT  # the kernel's hand, or its own
        return JudgeError(kind, f"the verifying process ended by itself (code {code})")


def _exchange(process: subprocess.Popen[bytes], line: bytes, timeout_s: float) -> Reply | None:
    """One line in, one line out; None when the process has ended. Raises TimeoutError."""
    assert process.stdin is not None
    assert process.stdout is not None
    until = time.monotonic() + timeout_s
    try:
        process.stdin.write(line)
        process.stdin.flush()
    except BrokenPipeError:
        return None
    readable = select.poll()
    readable.register(process.stdout, select.POLLIN)
    said = b""
    while not said.endswith(b"\n"):
        if not readable.poll(1000 * max(0.0, until - time.monotonic())):
            raise TimeoutError
        block = os.read(process.stdout.fileno(), 65_536)
        if not block:
            return None
        said += block
    return _REPLIES.decode(said)
