"""Processes that compare answers and can be killed. Law: every comparison ends within its limit. If its process must be
killed for that, a new process takes its place, and no other comparison is lost.

The limit is one of processor time, so that a busy machine causes no errors. A process that gets too little of it is
waited for `PATIENCE` times as long, then killed; the pair may be tried again.

Plain pipes and threads: it needs no event loop of its own and leaves signals and child watchers alone. Each process
has a thread that waits for it. A process is started for the first comparison, and again after it was killed.
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
"""Longest time for a process to load the library, on a busy machine."""
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
        """Waits for a free process, then for the result within the limit. Raises JudgeError when a process failed."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._compare, pair)

    @property
    def pids(self) -> tuple[int, ...]:
        """The ids of the processes that exist now."""
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
        """The id of the process, while there is one."""
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
        if isinstance(reply, Exhausted):  # its memory and stack may be spoilt
            self.kill()
        return reply

    def stop(self) -> None:
        """Ends the process, from any thread: a comparison under way fails, and no process is started any more."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()

    def kill(self) -> None:
        """Ends the process at once and waits for its end. Do not call it while another thread compares."""
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
        if ready is None:  # no expression is at fault: no pair can be verified here
            dead = self._dead(process)
            raise JudgeError(ErrorKind.RETRYABLE, f"a verifying process cannot start: {dead.detail}")
        return process

    def _dead(self, process: subprocess.Popen[bytes]) -> JudgeError:
        self.kill()
        code = process.returncode
        kind = ErrorKind.RETRYABLE if code == -signal.SIGKILL else ErrorKind.PERMANENT  # by the kernel, or by itself
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
