"""What the live view tells of speed and time left, from values as a run gives them."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from deployments.monitoring.progress import Phase, Progress
from deployments.terminal.rates import WINDOW_S, Window, flow
from schemas.progress import Counts, RoleCost, RunSnapshot, Summary
from schemas.stages import GENERATE
from tests.deployments.terminal.progresses import conductor


def at(moment: float, *, ended: int = 0, issued: int = 100, attempts: int = 0, tokens: int = 0) -> Progress:
    counts = Counts(issued=issued, accepted=ended, outstanding=issued - ended, attempts=attempts)
    roles = (RoleCost(role="generator", calls=attempts, prompt_tokens=tokens, completion_tokens=0, seconds=0.0),)
    summary = Summary(counts=counts, roles=roles)
    return Progress(at=moment, phase=Phase.RUNNING, snapshot=RunSnapshot(at=moment, summary=summary))


def test_a_steady_run_has_its_rate_and_its_time_left() -> None:
    """Ten orders end within five seconds, thirty are left: fifteen seconds more."""
    told = flow((at(0.0, ended=60), at(5.0, ended=70, attempts=20, tokens=1000)))
    assert (told.ended_per_s, told.attempts_per_s, told.left_s) == (2.0, 4.0, 15.0)
    assert told.tokens_per_s == {"generator": 200.0}


def test_nothing_is_told_before_there_is_something_to_tell() -> None:
    """Start-up, a first instant, and a run in which nothing has ended yet: no rate is made up."""
    assert flow(()).left_s is None
    assert flow((Progress(at=0.0, phase=Phase.STARTING),)).ended_per_s is None
    assert flow((at(0.0), at(1.0, ended=9))).ended_per_s is None
    assert flow((at(0.0), at(9.0))).left_s is None
    assert flow((at(0.0), at(9.0, ended=2))).left_s is None


def test_a_resumed_run_is_not_as_fast_as_all_it_did_before() -> None:
    """After a resume the first value already counts 500 ended orders: they are not of this minute."""
    told = flow((at(0.0, ended=500, issued=600), at(10.0, ended=510, issued=600)))
    assert told.ended_per_s == 1.0


def test_models_that_load_are_not_a_slow_run() -> None:
    """Twenty seconds of loading, then ten orders in five: two a second, not four in ten seconds."""
    loading = [replace(at(float(second)), phase=Phase.STARTING) for second in range(20)]
    told = flow((*loading, at(20.0, attempts=0), at(25.0, ended=10, attempts=10)))
    assert told.ended_per_s == 2.0
    assert flow(loading).ended_per_s is None


def test_a_conductor_that_is_silent_or_new_changes_no_rate() -> None:
    """One conductor misses a poll; another dies and a new one begins from zero. Neither shows as a jump."""
    told = [
        replace(at(0.0), conductors=(conductor("a", 100), conductor("b", 1000))),
        replace(at(1.0), conductors=(conductor("a", 110),)),
        replace(at(2.0), conductors=(conductor("a", 120), conductor("b", 1020))),
        replace(at(4.0), conductors=(conductor("a", 140), conductor("c", 20))),
    ]
    generate = flow(told).stages[0]
    assert generate.stage == GENERATE
    assert generate.per_s == (40 + 20) / 4.0
    assert generate.mean_s is not None and abs(generate.mean_s - 0.91) < 1e-9


def test_what_a_dead_conductor_had_in_flight_is_soon_forgotten() -> None:
    """Its samples are leased again by others: they would be counted twice."""
    dead = replace(at(0.0), conductors=(conductor("a", 5, in_flight=7), conductor("b", 5, in_flight=9)))
    later = replace(at(10.0), conductors=(conductor("b", 15, in_flight=3),))
    assert flow((dead, later)).stages[0].in_flight == 3


@given(st.lists(st.floats(min_value=0.0, max_value=3.0), max_size=400))
def test_the_window_is_bounded_whatever_the_ticks(steps: list[float]) -> None:
    """A run of days at four ticks a second: the window keeps its last seconds, the newest value always in it."""
    window, moment = Window(), 0.0
    for step in steps:
        moment += step
        kept = window.add(at(moment))
        assert kept[-1].at == moment
        assert len(kept) <= 2 * WINDOW_S + 3
        assert len(kept) <= 2 or moment - kept[0].at <= WINDOW_S
        assert [value.at for value in kept] == sorted(value.at for value in kept)


@given(st.lists(st.integers(min_value=0, max_value=10_000), min_size=2, max_size=50))
def test_no_rate_is_ever_negative(attempts: list[int]) -> None:
    """Whatever a counter does, the view shows no negative speed."""
    values = [
        replace(at(float(second), attempts=count), conductors=(conductor("a", count),))
        for second, count in enumerate(attempts)
    ]
    told = flow(values)
    assert told.attempts_per_s is None or told.attempts_per_s >= 0
    assert all(stage.per_s is None or stage.per_s >= 0 for stage in told.stages)
