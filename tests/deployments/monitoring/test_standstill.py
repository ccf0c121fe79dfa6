"""A run that makes no progress says why: who is away, since when, for whom, until when; or what is known."""

import re

import pytest
from msgspec.structs import replace

from deployments.monitoring.progress import Phase, Progress, ReplicaStatus
from deployments.monitoring.standstill import STILL_S, Standstill, merged, time_of_day, waits_of, words
from deployments.terminal.board import board
from deployments.terminal.lines import Lines
from deployments.terminal.rates import flow
from schemas.progress import Counts, RunSnapshot, Summary
from schemas.stages import GENERATE, ConductorStatus, Pause, PauseKind, StageFlow
from tests.deployments.terminal.test_views import drawn

NOW = 1_800_000_000.0
REFUSES = "127.0.0.1:8123 refuses connections"
AWAY = Pause("generator", NOW - 4, REFUSES, PauseKind.AWAY, until=NOW + 596, waiting=16)
COUNTS = Counts(issued=50, outstanding=50)


def conductor(*paused: Pause, in_flight: int = 16) -> ConductorStatus:
    stages = (StageFlow(GENERATE, in_flight, 0, 0.0),)
    return ConductorStatus("conductor-1", in_flight, 0, stages, paused)


def moment(*conductors: ConductorStatus, at: float = NOW, still_s: float = 0.0, attempts: int = 0) -> Progress:
    summary = Summary(counts=replace(COUNTS, attempts=attempts))
    snapshot = RunSnapshot(at=at, summary=summary, ready=34, leased=16, oldest_s=still_s)
    return Progress(at=at, phase=Phase.RUNNING, snapshot=snapshot, conductors=conductors, moved_at=at - still_s)


def said(progress: Progress) -> list[str]:
    return words(waits_of(progress), now=progress.at)


def test_a_dead_endpoint_is_reported_with_all_that_is_known() -> None:
    """The server died after the check at start: pool, address, error, since when, how many wait, until when."""
    (line,) = said(moment(conductor(AWAY)))
    since, until = (time_of_day(at, now=NOW) for at in (NOW - 4, NOW + 596))
    assert line == f"generator: {REFUSES} (since {since}, 16 orders wait, gives up {until})"


def test_conductors_that_meet_the_same_pool_make_one_line() -> None:
    """Four conductors: the first that met it says since when, the first that gives up says until when."""
    other = replace(AWAY, since=NOW - 9, until=NOW + 600, waiting=1, why="the oldest word")
    (one,) = merged([AWAY, other])
    assert (one.since, one.until, one.waiting, one.why) == (NOW - 9, NOW + 596, 17, "the oldest word")
    assert merged([replace(AWAY, until=None), other])[0].until == NOW + 600


def test_a_sink_that_takes_nothing_is_reported_beside_other_waits() -> None:
    """The run goes on, and its rows wait in the folder. One line of its own says so, for all writers together, even if
    a pool is away or nothing ends."""
    lake = Pause("sink lake", NOW - 5, "2 shards not delivered: ConnectionError: no route")
    other = replace(lake, since=NOW - 7)
    since = time_of_day(NOW - 7, now=NOW)
    line = f"sink lake: 2 shards not delivered: ConnectionError: no route (since {since})"
    assert said(replace(moment(conductor()), sinks=(lake, other))) == [line]
    assert said(replace(moment(conductor(AWAY)), sinks=(other,)))[1:] == [line]
    still = said(replace(moment(conductor(), still_s=STILL_S), sinks=(other,)))
    assert still[0].startswith("no attempt ended for 8 s") and still[1:] == [line]


@pytest.mark.parametrize(("kind", "word"), [(PauseKind.REFUSED, "refuses to serve"), (PauseKind.OVERLOADED, "to wait")])
def test_a_refusal_and_a_full_server_are_distinguished(kind: PauseKind, word: str) -> None:
    """A refused key wants another key; a full server wants patience."""
    (line,) = said(moment(conductor(replace(AWAY, kind=kind, until=None, waiting=0))))
    assert word in line and "gives up" not in line and "wait)" not in line


@pytest.mark.parametrize("attempts", [0, 40])
def test_terminal_and_plain_lines_say_it_whether_or_not_anything_ever_ended(attempts: int) -> None:
    """`gleaner run … > log` says as much as the board does, from the first order on."""
    progress = moment(conductor(AWAY), attempts=attempts)
    (line,) = Lines("q", NOW).of(progress, flow((progress,)))
    assert REFUSES in line and "16 orders wait" in line
    text = " ".join(drawn(board(progress, flow((progress,)), name="q", elapsed_s=1.0)).split())
    assert REFUSES in text and "16 orders wait" in text


def test_a_line_comes_within_ten_seconds_of_the_last_end() -> None:
    """Nothing is paused and nothing ends: what is known comes in time, and every ten seconds again."""
    told = Lines("q", NOW)
    moments = [moment(conductor(), at=NOW + tick / 4, still_s=tick / 4) for tick in range(4 * 31)]
    lines = [(each.at - NOW, line) for each in moments for line in told.of(each, flow((each,)))]
    at = [second for second, line in lines if "no attempt ended for" in line]
    assert STILL_S <= at[0] <= 10 and len(at) >= 3
    assert "16 in generate, 34 ready, the oldest for" in lines[-1][1]


def test_models_that_load_are_named() -> None:
    """Nothing ends because nothing has begun."""
    replicas = (ReplicaStatus("run-1a-pool-strong", "strong", 0, 2, "DEPLOYING", starting=2),)
    (line,) = said(replace(moment(conductor(in_flight=0), still_s=40), replicas=replicas))
    assert "strong still loads (0 of 2 ready)" in line


def test_a_run_that_goes_or_has_ended_says_nothing() -> None:
    """No false alarm: not while attempts end, not once the shards are closed."""
    assert said(moment(conductor(), still_s=STILL_S - 1)) == []
    for phase in (Phase.FINISHING, Phase.DONE):
        assert said(replace(moment(conductor(), still_s=100), phase=phase)) == []


def test_rollouts_and_probes_are_progress() -> None:
    """A run that credits its last solutions ends no attempt for minutes, and does not stand still."""
    still = Standstill()
    first = still.moved_at(Summary(), at=NOW)
    rolled = replace(Summary(), credit=replace(Summary().credit, rollouts=1))
    assert (first, still.moved_at(rolled, at=NOW + 5), still.moved_at(rolled, at=NOW + 9)) == (NOW, NOW + 5, NOW + 5)


def test_a_wait_is_logged_once_and_at_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """In the morning the log says when the server died, and when it came back; not four lines a second."""
    still = Standstill()
    for tick in range(40):
        still.log(waits_of(moment(conductor(AWAY), at=NOW + tick / 4)), now=NOW + tick / 4)
    still.log(waits_of(moment(conductor(), at=NOW + 11)), now=NOW + 11)
    first, last = caplog.records
    assert REFUSES in first.getMessage() and vars(first)["pool"] == "generator"
    assert last.getMessage() == "the run goes on"


def test_yesterdays_moment_has_its_date() -> None:
    """A run over night; and an invalid moment, which does not raise."""
    assert re.fullmatch(r"\d\d:\d\d:\d\d", time_of_day(NOW, now=NOW))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", time_of_day(NOW - 90_000, now=NOW))
    assert time_of_day(float("inf"), now=NOW) == "–"
