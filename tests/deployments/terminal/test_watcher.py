"""How a run is watched: a board on a terminal, plain lines elsewhere, nothing when quiet."""

import io
import time

import pytest
from rich.console import Console

from deployments.monitoring.progress import Phase, Progress
from deployments.terminal.watcher import REFRESH_PER_S, Watcher
from tests.deployments.terminal.progresses import play

XTERM = {"TERM": "xterm-256color"}
CLEAR_LINE = "\x1b[2K"


def told(console: Console, *, quiet: bool = False) -> None:
    with Watcher("quickstart", console, quiet=quiet) as watcher:
        for progress in play():
            watcher(progress)
        watcher(Progress(at=play()[-1].at, phase=Phase.DONE, snapshot=play()[-1].snapshot))


def test_a_file_gets_plain_lines() -> None:
    """`gleaner run … | tee log`: no escape code, no line redrawn, no line broken at 80 columns."""
    file = io.StringIO()
    told(Console(file=file, width=80))
    lines = file.getvalue().splitlines()
    assert "\x1b" not in file.getvalue()
    assert lines[0].endswith("quickstart starting: loading Ray")
    assert all("quickstart" in line for line in lines)
    assert len(lines) < 15


def test_a_dumb_terminal_gets_plain_lines() -> None:
    """An editor's shell or a CI's pseudo-terminal: it cannot redraw, so it is not asked to."""
    file = io.StringIO()
    told(Console(file=file, width=80, force_terminal=True, _environ={"TERM": "dumb"}))
    assert file.getvalue().splitlines()[0].endswith("quickstart starting: loading Ray")
    assert CLEAR_LINE not in file.getvalue()


class ClosedPipe(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str, /) -> int:
        raise BrokenPipeError


def test_a_reader_that_leaves_does_not_end_the_run(caplog: pytest.LogCaptureFixture) -> None:
    """`gleaner run … | head -1`: hours of work are not thrown away for a closed pipe."""
    told(Console(file=ClosedPipe(), width=80))
    assert [record.message for record in caplog.records] == ["progress is told no more"]


def test_quiet_says_nothing() -> None:
    """--quiet: neither on a terminal nor in a file."""
    for terminal in (True, False):
        file = io.StringIO()
        told(Console(file=file, width=80, force_terminal=terminal), quiet=True)
        assert file.getvalue() == ""


def test_a_terminal_is_redrawn_seldom_and_left_clean() -> None:
    """However often the run ticks, the board is drawn at most four times a second, and gone at the end."""
    file = io.StringIO()
    console = Console(file=file, width=80, height=40, force_terminal=True, _environ=XTERM)
    run = play()
    started = time.monotonic()
    with Watcher("quickstart", console, quiet=False) as watcher:
        while time.monotonic() - started < 1.0:
            for progress in run:
                watcher(progress)
    drawings = file.getvalue().count("gleaner ")
    assert 2 <= drawings <= REFRESH_PER_S + 3
    assert file.getvalue().rstrip().endswith(CLEAR_LINE)


def test_a_run_that_fails_gives_the_terminal_back() -> None:
    """An error inside a run: the board stops, the cursor is shown again, the error goes on."""
    file = io.StringIO()
    with (
        pytest.raises(RuntimeError),
        Watcher("q", Console(file=file, force_terminal=True, _environ=XTERM), quiet=False),
    ):
        raise RuntimeError("boom")
    assert "\x1b[?25h" in file.getvalue()
