"""Pushes a run's samples while the run goes on: `gleaner push` in a process of its own, every so many minutes.

Law: the run neither waits for the Hub nor fails with it. A push that fails is told like a sink that takes nothing, and
the next one comes at its time. Only the end of a run waits, within a limit.
"""

import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from deployments.monitoring.beside import with_our_packages
from schemas.config_publish import Publish
from schemas.ledger import ShardKind
from schemas.stages import Pause

log = logging.getLogger("gleaner.run")

MINUTE_S = 60.0
LONGEST_S = 6 * 3600.0
"""A push that takes longer hangs, and is ended."""
END_S = 600.0
"""How long a finished run waits for its last push. What is missing then, `gleaner push` brings."""
LOOK_S = 0.25
NICENESS = 10
LONGEST_WHY = 300
_PROGRAM = f"import os; os.nice({NICENESS}); from deployments.cli import main; main()"
_SAID = ("gleaner: error: ", "gleaner: stopped: ", "gleaner: failed: ")


def push_command(config: Publish, output: Path) -> list[str]:
    """The command that a person would type, at a lower priority than the run's own processes."""
    options = [f"--split={name}={share!r}" for name, share in config.splits.items()]
    options += [f"--license={config.license}"] if config.license is not None else []
    options += ["--public"] if config.public else []
    options += [f"--branch={config.branch}", f"--seed={config.seed}"]
    # -P: no module is taken from the folder that the run was started in
    return [sys.executable, "-P", "-c", _PROGRAM, "push", *options, "--", str(output.absolute()), config.repo]


class PushProcess:
    """One push, in a process of its own."""

    def __init__(self, command: list[str]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it is open until the push has ended
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            env=with_our_packages(),
            start_new_session=True,  # Ctrl-C is for the run, which then ends this
        )

    @property
    def works(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def failure(self) -> str | None:
        """Why it failed, as it said itself; None if it did not. Call it once it has ended."""
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").splitlines() or [""]
        self._said.close()
        if self._process.returncode == 0:
            return None
        why = lines[-1]
        for begins in _SAID:
            why = why.removeprefix(begins)
        return why[:LONGEST_WHY] or f"it ended with code {self._process.returncode}"

    def kill(self) -> None:
        """Ends it. What it sent is kept on the Hub."""
        self._process.kill()
        self._process.wait()
        self._said.close()


class PushClock(Struct, frozen=True):
    """Seconds since the epoch, seconds that only grow, and a wait."""

    wall: Callable[[], float] = time.time
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Publisher:
    """The pushes of one run. Call `tick` often, `finish` once the folder is finished, and `stop` in any case."""

    def __init__(self, config: Publish, output: Path, *, clock: PushClock = PushClock()) -> None:  # noqa: B008 - frozen
        self._config = config
        self._output = output
        self._clock = clock
        self._every_s = MINUTE_S * config.every_minutes
        self._due_at = clock.now() + self._every_s
        self._process: PushProcess | None = None
        self._began_at = 0.0
        self._failed: Pause | None = None

    @property
    def pause(self) -> Pause | None:
        """Why the last push failed, since the first that did; None after one that did not."""
        return self._failed

    def tick(self) -> None:
        """Begins a push that is due, and takes note of one that has ended. Never waits."""
        if self._process is not None:
            self._look(self._process)
        elif self._clock.now() >= self._due_at and self._has_samples():
            self._begin()

    def finish(self, goes_on: Callable[[], bool]) -> str | None:
        """One more push, of the finished folder, within `END_S`; gives why it failed. `goes_on`: called while it waits,
        and says whether it shall."""
        until = self._clock.now() + END_S
        waited = self._wait(until, goes_on)
        if waited and self._has_samples():
            self._begin()
            waited = self._wait(until, goes_on)
        if not waited:
            self.stop()
            self._fail("it was not done when the run ended")
        return None if self._failed is None else self._failed.why

    def stop(self) -> None:
        """Ends a push that is under way."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()

    def _wait(self, until: float, goes_on: Callable[[], bool]) -> bool:
        """Waits for the push that is under way; gives whether it has ended."""
        while self._process is not None and self._clock.now() < until and goes_on():
            self._clock.sleep(LOOK_S)
            self._look(self._process)
        return self._process is None

    def _begin(self) -> None:
        self._began_at = self._clock.now()
        try:
            self._process = PushProcess(push_command(self._config, self._output))
        except OSError as error:
            self._due_at = self._began_at + self._every_s
            self._fail(f"it could not be started ({error.strerror})")

    def _look(self, process: PushProcess) -> None:
        if process.works and self._clock.now() - self._began_at < LONGEST_S:
            return
        self._due_at = self._clock.now() + self._every_s
        if process.works:
            self.stop()
            self._fail(f"it was not done in {LONGEST_S / 3600:g} hours")
            return
        self._process = None
        why = process.failure()
        if why is not None:
            self._fail(why)
            return
        if self._failed is not None:
            log.warning("the Hub takes samples again", extra={"repo": self._config.repo})
        self._failed = None

    def _fail(self, why: str) -> None:
        since = self._clock.wall() if self._failed is None else self._failed.since
        self._failed = Pause(f"dataset {self._config.repo}", since, why)
        log.warning("a push failed", extra={"repo": self._config.repo, "why": why})

    def _has_samples(self) -> bool:
        return any((self._output / ShardKind.DATASET.value).glob("part-*.parquet"))
