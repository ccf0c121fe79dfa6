"""The run's side of trackers: what it costs the run, and what is said when a tracker does not answer."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from deployments.config.load import load_text
from deployments.monitoring.endpoint import run_facts
from deployments.monitoring.standstill import waits_of, words
from deployments.monitoring.trackers import follower, installed
from deployments.monitoring.trackers.child import TrackerProcess
from deployments.monitoring.trackers.follower import FollowClock, Followers
from deployments.monitoring.trackers.installed import check_installed
from deployments.monitoring.trackers.messages import Told, ToldBegin, ToldEnd, ToldMoment
from schemas.config_trackers import MlflowTracker, OtelTracker, Trackers, WandbTracker
from schemas.errors import ConfigError, UserError
from tests.deployments.hub.folders import CONFIGURATION
from tests.deployments.monitoring.trackers.folders import LAST, config_with, folder_at, until
from tests.doubles.otlp import collector

ONE = Trackers(otel=OtelTracker("http://127.0.0.1:1"))


class Scripted(TrackerProcess):
    """A process that answers as it is told: with an error, not at all, or not any more."""

    def __init__(self) -> None:
        self.asked: list[Told] = []
        self.fails: str | None = None
        self.hangs = threading.Event()
        self.killed = threading.Event()
        self.left = threading.Event()

    def ask(self, message: Told) -> str | None:
        self.asked.append(message)
        if self.hangs.is_set():
            self.killed.wait(30)
        if self.killed.is_set():
            raise OSError("its process ended")
        return None if isinstance(message, ToldBegin) else self.fails

    def leave(self) -> None:
        self.left.set()

    def kill(self) -> None:
        self.killed.set()


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.at = 1_000.0

    @property
    def clock(self) -> FollowClock:
        return FollowClock(lambda: self.at, lambda: self.at, time.sleep)


class Played:
    """Followers of one tracker whose processes are scripted."""

    def __init__(self, tmp_path: Path) -> None:
        self.time = Clock()
        self.processes: list[Scripted] = []
        self.next = Scripted()
        self.followers = Followers(config_with(ONE), tmp_path, clock=self.time.clock, start=self.start)

    def start(self) -> Scripted:
        self.processes.append(self.next)
        process, self.next = self.next, Scripted()
        return process

    @property
    def why(self) -> list[str]:
        return [pause.why for pause in self.followers.pauses]


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    monkeypatch.setattr(follower, "EVERY_S", 0.01)
    monkeypatch.setattr(follower, "LEAVE_S", 0.05)
    made = Played(tmp_path)
    yield made
    made.followers.stop()


def test_nothing_is_started_before_there_is_a_run(played: Played) -> None:
    """A refused start has no process of a tracker, and its end waits for none."""
    played.followers.tell(replace(LAST, snapshot=None))
    assert not played.followers.finish(complete=False, wait_s=60, goes_on=lambda: True)
    assert not played.processes


def test_the_end_comes_last(played: Played) -> None:
    """A tracker is told of the run, and that it is over, once it has everything before."""
    played.followers.tell(LAST)
    assert until(lambda: played.processes)
    assert not played.followers.finish(complete=True, wait_s=10, goes_on=lambda: True)
    kinds = [type(message) for message in played.processes[0].asked]
    assert kinds[0] is ToldBegin and set(kinds[1:-1]) == {ToldMoment} and kinds[-1] is ToldEnd


def test_a_tracker_that_fails_is_named_and_told_again(played: Played) -> None:
    """Its server is away: terminal and status say why and since when. It comes back, and the line goes."""
    played.followers.tell(LAST)
    assert until(lambda: played.processes and len(played.processes[0].asked) > 2)
    played.processes[0].fails = "ConnectionError: no route"
    assert until(lambda: played.why == ["ConnectionError: no route"])
    line = words(waits_of(replace(LAST, sinks=played.followers.pauses)), now=LAST.at)[-1]
    assert line.startswith("tracker otel: ConnectionError: no route (since ")
    played.processes[0].fails = None
    assert until(lambda: not played.why)


def test_tries_become_rarer(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is away for a day is not asked every five seconds: in the end once a minute."""
    waits: list[float | None] = []

    def wait(_: threading.Event, timeout: float | None = None) -> bool:
        waits.append(timeout)
        time.sleep(0.001)
        return False

    played.next.fails = "ConnectionError: no route"
    monkeypatch.setattr(follower, "EVERY_S", 5.0)
    monkeypatch.setattr(threading.Event, "wait", wait)
    played.followers.tell(LAST)
    assert until(lambda: waits.count(60.0) > 2)
    monkeypatch.undo()
    tried = [wait for wait in waits if wait is not None and wait >= 5.0]
    assert tried[:5] == [5.0, 10.0, 20.0, 40.0, 60.0]


def test_one_that_does_not_answer_is_named_in_time_and_then_ended(played: Played) -> None:
    """A client hangs: the run says so within ten seconds after it was last well, and goes on with a new process."""
    played.followers.tell(LAST)
    assert until(lambda: played.processes and len(played.processes[0].asked) > 2)
    played.processes[0].hangs.set()
    asked = len(played.processes[0].asked)
    assert until(lambda: len(played.processes[0].asked) > asked)
    assert not played.why
    played.time.at += follower.SLOW_S
    assert until(lambda: played.why == ["it has not answered yet"])
    assert 5.0 + follower.SLOW_S < 10 > follower.FIRST_S
    played.time.at += follower.LONGEST_S
    played.followers.tell(LAST)
    assert until(lambda: len(played.processes) == 2 and not played.why)
    assert played.processes[0].killed.is_set()


def test_an_end_that_fails_waits_within_its_limit(played: Played) -> None:
    """The run's end says which tracker lacks it, and why; it does not wait for longer than it may."""
    played.next.fails = "ConnectionError: no route"
    played.followers.tell(LAST)
    assert until(lambda: played.why)
    ticks: list[float] = []

    def goes_on() -> bool:
        played.time.at += follower.AWAY_END_S / 4
        ticks.append(played.time.at)
        return True

    failed = played.followers.finish(complete=True, wait_s=follower.END_S, goes_on=goes_on)
    assert failed == {"otel": "ConnectionError: no route"} and len(ticks) == 4


def test_a_second_interrupt_ends_the_wait(played: Played) -> None:
    """Who presses Ctrl-C while a tracker is waited for does not wait."""
    played.next.hangs.set()
    played.followers.tell(LAST)
    assert until(lambda: played.processes and played.processes[0].asked)
    assert played.followers.finish(complete=True, wait_s=60, goes_on=lambda: False) == {
        "otel": "it was not done in time"
    }


def test_a_run_that_breaks_off_lets_its_trackers_go(played: Played) -> None:
    """The run fails before its end: the tracker's process is let go, so that it can say that the run was killed."""
    played.followers.tell(LAST)
    assert until(lambda: played.processes and len(played.processes[0].asked) > 2)
    played.followers.stop()
    assert played.processes[0].left.is_set() and not any(isinstance(m, ToldEnd) for m in played.processes[0].asked)


def test_what_was_started_as_the_run_ended_is_ended_too(played: Played) -> None:
    """A process hangs as it begins, and the run is over: nothing of it is left."""
    played.next.hangs.set()
    played.followers.tell(LAST)
    assert until(lambda: played.processes and played.processes[0].asked)
    played.followers.stop()
    assert played.processes[0].killed.is_set() and len(played.processes) == 1


@pytest.mark.slow
def test_telling_costs_the_run_nothing(tmp_path: Path) -> None:
    """Four times a second the run tells its trackers, also of one whose server hangs: that takes microseconds."""
    with collector() as away:
        away.hangs.set()
        followers = Followers(config_with(Trackers(otel=OtelTracker(away.address))), tmp_path)
        followers.tell(LAST)
        begun = time.perf_counter()
        for _ in range(10_000):
            followers.tell(LAST)
            assert len(followers.pauses) < 2
        spent = time.perf_counter() - begun
        followers.stop()
    assert spent / 10_000 < 0.001


@pytest.mark.slow
def test_nothing_is_left_of_a_killed_run(tmp_path: Path) -> None:
    """kill -9 of the run: its end of the pipe closes, and the tracker's process ends by itself."""
    folder = folder_at(tmp_path / "run")
    config = config_with(ONE)
    process = TrackerProcess()
    assert process.ask(ToldBegin("otel", str(folder), config, run_facts(config))) is None
    assert process._process.stdin is not None
    process._process.stdin.close()
    assert process._process.wait(30) == 0


def test_a_missing_package_is_said_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra was not installed: one line names it."""
    monkeypatch.setitem(installed._PACKAGES, "mlflow", ("nobody_has_this",))
    with pytest.raises(UserError, match=r"trackers\.mlflow: the package .* pip install 'gleaner\[mlflow\]'"):
        check_installed(Trackers(mlflow=MlflowTracker("http://127.0.0.1:1")))
    check_installed(Trackers(wandb=WandbTracker("towns")))


@pytest.mark.parametrize(
    ("trackers", "says"),
    [
        ("{otel: {endpoint: 'collector:4317'}}", "trackers.otel.endpoint: must be an address that begins with http://"),
        ("{otel: {endpoint: 'http://me:word@h:1'}}", "trackers.otel.endpoint: an address with credentials"),
        ("{otel: {endpoint: 'http://h:1', traces: 2}}", "trackers.otel.traces: "),
        ("{wandb: {project: towns, api_key: x}}", "trackers.wandb.api_key: unknown key"),
        ("{wandb: {project: a/b}}", "trackers.wandb.project: must be a name of letters"),
        ("{mlflow: {uri: 'http://me:word@h:1'}}", "trackers.mlflow.uri: an address with credentials"),
        ("{comet: {}}", "trackers.comet: unknown key"),
    ],
)
def test_what_is_refused(trackers: str, says: str) -> None:
    """Secrets, and what is no address, are refused before a run begins."""
    with pytest.raises(ConfigError) as refused:
        load_text(f"{CONFIGURATION}trackers: {trackers}\n")
    assert says in str(refused.value)
