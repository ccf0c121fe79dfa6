"""The page beside a run: there while the run lasts, gone with it, however the run ends."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from actors.ledger.sqlite import SqliteLedger
from tests.doubles.ledgers import Scale, plausible_run

ROOT = Path(__file__).parents[3]
RUN = """
import sys, time
from pathlib import Path
from deployments.monitoring.progress import Phase, Progress
from deployments.page.beside import PageBeside

with PageBeside(Path(sys.argv[1]), lambda line: print(line, flush=True)) as page:
    while not Path(sys.argv[2]).exists():
        page(Progress(time.time(), Phase.RUNNING))
        time.sleep(0.05)
"""
"""What `gleaner run --page` does, without the run."""


class Started:
    """A process that has a page beside it."""

    def __init__(self, folder: Path) -> None:
        self._end = folder / "end"
        command = [sys.executable, "-c", RUN, str(folder / "run"), str(self._end)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"page at (http://127\.0\.0\.1:\d+/) while the run lasts", line)
        assert found is not None, line
        self.address = found[1]
        (self.page,) = psutil.Process(self.process.pid).children()

    def shown(self) -> str:
        with urllib.request.urlopen(self.address, timeout=10) as reply:
            return reply.read().decode()

    def finish(self) -> None:
        self._end.touch()
        assert self.process.wait(20) == 0


def wait_for_text(started: Started, text: str) -> None:
    until = time.monotonic() + 20
    while text not in started.shown():
        assert time.monotonic() < until, text
        time.sleep(0.1)


def is_gone(process: psutil.Process) -> bool:
    gone, _ = psutil.wait_procs([process], timeout=10)
    return bool(gone)


@pytest.mark.slow
def test_it_waits_for_the_run_stays_through_ctrl_c_and_ends_with_it(tmp_path: Path) -> None:
    """The page is open before there is a folder. Ctrl-C asks the run to drain: the page shows that too. The run ends,
    and so does its page."""
    started = Started(tmp_path)
    assert "holds no run" in started.shown()
    (tmp_path / "run").mkdir()
    with SqliteLedger(tmp_path / "run") as ledger:
        ledger.append(list(plausible_run(1, Scale(passages=7))))
    wait_for_text(started, "of 21 issued")
    assert started.page.nice() > psutil.Process(started.process.pid).nice()
    assert os.getpgid(started.page.pid) != os.getpgid(started.process.pid), "Ctrl-C goes to a group"
    started.finish()
    assert is_gone(started.page)


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_no_page_behind(tmp_path: Path) -> None:
    """kill -9 of the run: nobody is left to end the page, and it ends."""
    started = Started(tmp_path)
    started.process.send_signal(signal.SIGKILL)
    started.process.wait()
    assert is_gone(started.page)
