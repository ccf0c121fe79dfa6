"""Pushes while a run goes on: when, what a failing Hub does to the run, and the last one."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from huggingface_hub import constants

from deployments.config.load import load_text
from deployments.hub import publisher
from deployments.hub.publisher import END_S, LONGEST_S, Publisher, PushClock, PushProcess, push_command
from schemas.config_publish import Publish
from schemas.errors import ConfigError
from tests.deployments.hub.conftest import TOKEN
from tests.deployments.hub.folders import CONFIGURATION
from tests.doubles.hub_store import HubStore

CONFIG = Publish("harbour/towns", every_minutes=30)


class Scripted:
    """A push that ends as its test says."""

    begun: ClassVar["list[Scripted]"] = []

    def __init__(self, command: list[str]) -> None:
        self.command, self.works, self.why, self.killed = command, True, None, False
        self.begun.append(self)

    def failure(self) -> str | None:
        return self.why

    def kill(self) -> None:
        self.works, self.killed = False, True

    def end(self, why: str | None = None) -> None:
        self.works, self.why = False, why


class Time:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    monkeypatch.setattr(publisher, "PushProcess", Scripted)
    monkeypatch.setattr(Scripted, "begun", [])
    yield Time()


@pytest.fixture
def hub(tmp_path: Path, clock: Time) -> Publisher:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "part-00000.parquet").touch()
    return Publisher(CONFIG, tmp_path, clock=PushClock(wall=clock.now, now=clock.now, sleep=clock.sleep))


def test_a_push_every_half_hour(hub: Publisher, clock: Time) -> None:
    """Counted from the end of the one before: a slow Hub is never asked twice at once."""
    begun = Scripted.begun
    for minute in range(120):
        clock.seconds = 60.0 * minute
        hub.tick()
        if len(begun) == 1 and minute == 50:
            begun[0].end()
    assert len(begun) == 2 and begun[1].works and hub.pause is None


def test_nothing_is_pushed_before_the_first_shard(tmp_path: Path, clock: Time) -> None:
    """Models that load for an hour are no failed push."""
    hub = Publisher(CONFIG, tmp_path, clock=PushClock(wall=clock.now, now=clock.now, sleep=clock.sleep))
    clock.seconds = 7200.0
    hub.tick()
    assert not Scripted.begun and hub.finish(lambda: True) is None and not Scripted.begun


def test_a_failing_hub_is_told_and_tried_again(hub: Publisher, clock: Time) -> None:
    """Since the first failure, with the last one's words, until a push ends well."""
    for at, why in ((1800.0, "the Hub fails with 503"), (3700.0, "the Hub fails with 500")):
        clock.seconds = at
        hub.tick()
        Scripted.begun[-1].end(why)
        hub.tick()
    assert hub.pause is not None
    assert (hub.pause.name, hub.pause.since, hub.pause.why) == (
        "dataset harbour/towns",
        1800.0,
        "the Hub fails with 500",
    )
    clock.seconds = 5600.0
    hub.tick()
    Scripted.begun[-1].end()
    hub.tick()
    assert hub.pause is None


def test_a_push_that_hangs_is_ended(hub: Publisher, clock: Time) -> None:
    """The run goes on, and says so."""
    clock.seconds = 1800.0
    hub.tick()
    clock.seconds += LONGEST_S
    hub.tick()
    assert Scripted.begun[0].killed and hub.pause is not None and "not done in 6 hours" in hub.pause.why


def test_the_last_push_is_of_the_finished_folder(hub: Publisher, clock: Time) -> None:
    """One that was under way did not see the last shards: another follows."""
    clock.seconds = 1800.0
    hub.tick()

    def goes_on() -> bool:
        if clock.seconds > 1810:
            Scripted.begun[-1].end()
        return True

    assert hub.finish(goes_on) is None
    assert len(Scripted.begun) == 2


def test_the_end_waits_within_a_limit(hub: Publisher, clock: Time) -> None:
    """A Hub that hangs holds the run's end for ten minutes at most."""
    why = hub.finish(lambda: True)
    assert why is not None and "not done when the run ended" in why
    assert END_S <= clock.seconds <= END_S + 1 and Scripted.begun[0].killed


def test_ctrl_c_ends_the_last_push(hub: Publisher, clock: Time) -> None:
    """Nobody waits for ten minutes who wants to leave."""
    assert hub.finish(lambda: clock.seconds < 5) is not None
    assert clock.seconds < 6 and Scripted.begun[0].killed


def test_a_run_that_ends_takes_its_push_along(hub: Publisher, clock: Time) -> None:
    """Ctrl-C: nothing of the run is left."""
    clock.seconds = 1800.0
    hub.tick()
    hub.stop()
    hub.stop()
    assert Scripted.begun[0].killed


def test_the_command_is_the_one_that_a_person_types(tmp_path: Path) -> None:
    """With the configuration's options."""
    config = Publish("a/b", public=True, branch="next", license="mit", splits={"test": 0.1}, seed=3)
    command = push_command(config, tmp_path)
    assert command[1] == "-P"
    assert command[4:] == [
        "push", "--split=test=0.1", "--license=mit", "--public", "--branch=next", "--seed=3",
        "--", str(tmp_path), "a/b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("publish", "says"),
    [
        ("{repo: harbours}", "publish.repo: must be 'ORG/NAME'"),
        ("{repo: a/b, every_minutes: 0.1}", "publish.every_minutes: "),
        ("{repo: a/b, splits: {train: 0.1}}", "publish.splits.train: is no name of a split beside train"),
        ("{repo: a/b, splits: {test: 0.5, dev: 0.5}}", "publish.splits: the shares leave nothing for train"),
        ("{repo: a/b, token: hf_abc}", "publish.token: unknown key"),
    ],
)
def test_what_is_refused(publish: str, says: str) -> None:
    """When the configuration is loaded, in one line with the place."""
    with pytest.raises(ConfigError) as refused:
        load_text(f"{CONFIGURATION}publish: {publish}\n")
    assert str(refused.value).removeprefix("configuration: ").startswith(says)


@pytest.mark.slow
def test_a_push_in_a_process_of_its_own(
    store: HubStore, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Really started, by Xet as to the real Hub: what was sent before a commit failed is not sent again by the next
    process. Without a right token it says why. No module is taken from the folder that the run was started in."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "huggingface_hub.py").write_text("raise SystemExit('a module of a stranger')")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HF_ENDPOINT", constants.ENDPOINT)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "0")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    command = push_command(Publish("harbour/towns", splits={"test": 0.3}), run)
    store.commits_fail_with = 500
    assert ended(PushProcess(command)) == (
        "harbour/towns: the Hub fails with 500; the same command goes on where this one ended "
        "(docs/push.md#what-may-go-wrong)"
    )
    sent = list(store.xorbs)
    assert sent and not store.uploads
    store.commits_fail_with = None
    assert ended(PushProcess(command)) is None
    assert store.xorbs == sent and store.repositories["harbour/towns"].messages[-1] == "36 samples of harbours"
    store.tokens = {}
    why = ended(PushProcess(command))
    assert why is not None and why.startswith("harbour/towns: the Hub refuses the token") and TOKEN not in why


@pytest.mark.slow
def test_a_push_that_is_ended_leaves_nothing(run: Path) -> None:
    """The process is gone when `kill` returns."""
    process = PushProcess(push_command(CONFIG, run))
    assert process.works
    process.kill()
    assert not process.works


def ended(process: PushProcess) -> str | None:
    until = time.monotonic() + 120
    while process.works and time.monotonic() < until:
        time.sleep(0.05)
    return process.failure()
