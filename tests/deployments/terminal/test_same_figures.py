"""A figure that is shown twice is the same twice: board, plain lines, status, report and metrics in one minute."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.calls.counters import paused
from actors.metrics.collector import RunCollector
from actors.metrics.metric import Run, RunMoment
from actors.report.facts import facts_of
from actors.report.manifest import manifest_of
from actors.report.words import percent as page_percent
from deployments.monitoring.progress import Phase, Progress
from deployments.terminal.board import board, worked_s, yield_percent
from deployments.terminal.lines import Lines
from deployments.terminal.rates import flow
from deployments.terminal.summary import summary_view
from deployments.terminal.words import spoken
from schemas.config import FRESH_POOL
from schemas.ledger import AcceptedEnd, Record, RunStarted
from schemas.progress import RunSnapshot, Summary
from schemas.scaling import Idle, PoolDecision, ScalingDecision, Why
from tests.deployments.monitoring.test_standstill import AWAY, conductor
from tests.deployments.terminal.progresses import folded
from tests.deployments.terminal.test_views import drawn
from tests.doubles.ledgers import Scale, plausible_run


@pytest.fixture(scope="module")
def half() -> list[Record]:
    """A run in the middle, of two processes with an hour between them."""
    records = list(plausible_run(7, Scale(finished=0.4)))
    middle = len(records) // 2
    resumed = RunStarted(records[middle].at + 3_600, "0" * 64, {})
    later = [replace(record, at=record.at + 3_600) for record in records[middle:]]
    return [*records[:middle], resumed, *later]


def shown(summary: Summary, at: float) -> tuple[str, str, str]:
    """The board, a plain line and status, at one moment."""
    snapshot = RunSnapshot(at=at, summary=summary, ready=5, leased=3)
    progress = Progress(at=at, phase=Phase.RUNNING, snapshot=snapshot)
    (line,) = Lines("q", at).of(progress, flow((progress,)))
    text = drawn(board(progress, flow((progress,)), name="q", elapsed_s=7.0), 100)
    return text, line, drawn(summary_view(summary, Path("q")), 100)


def test_yield_is_one_figure(half: list[Record]) -> None:
    """90.9% on the board and 37.0% in status, in the same minute: of ended, of issued. Each has its words now."""
    summary = folded(half).summary()
    manifest = manifest_of(facts_of(enumerate(half), seed=0), (), None, versions={})
    told = yield_percent(summary.counts)
    assert told == page_percent(manifest.yield_) == page_percent(summary.counts.yield_)
    ended = summary.counts.accepted + summary.counts.dead_lettered
    of_ended = f"{100 * summary.counts.accepted / ended:.1f}% of the ended"
    assert told not in of_ended
    for view in shown(summary, half[-1].at):
        (line,) = [each for each in view.splitlines() if "yield" in each]
        assert told in line and of_ended in line


def test_the_runs_own_time_is_one_figure(half: list[Record]) -> None:
    """The header, status and the report agree: the hour between two processes is in none of them."""
    summary = folded(half).summary()
    manifest = manifest_of(facts_of(enumerate(half), seed=0), (), None, versions={})
    assert manifest.wall_seconds == pytest.approx(summary.worked_s, abs=0.001)
    assert summary.last_at is not None and summary.started_at is not None
    assert summary.worked_s < summary.last_at - summary.started_at - 3_000
    snapshot = RunSnapshot(at=summary.last_at + 2, summary=summary)
    progress = Progress(at=summary.last_at + 2, phase=Phase.RUNNING, snapshot=snapshot)
    assert worked_s(progress, elapsed_s=99.0) == pytest.approx(summary.worked_s + 2)
    assert worked_s(replace(progress, snapshot=None), elapsed_s=99.0) == 99.0


def test_the_first_sample_is_one_figure() -> None:
    """A run that was stopped for an hour before its first sample: the hour is in none of the two figures."""
    records = list(plausible_run(7))
    first = next(place for place, record in enumerate(records) if isinstance(record, AcceptedEnd))
    resumed = RunStarted(records[first].at + 3_600, "0" * 64, {})
    later = [replace(record, at=record.at + 3_600) for record in records[first:]]
    stopped = [*records[:first], resumed, *later]
    summary = folded(stopped).summary()
    manifest = manifest_of(facts_of(enumerate(stopped), seed=0), (), None, versions={})
    assert summary.first_accepted_s == manifest.first_accepted_seconds
    assert summary.first_accepted_s is not None and 0 < summary.first_accepted_s < 60
    _, _, status = shown(summary, stopped[-1].at)
    (line,) = [each for each in status.splitlines() if "first sample" in each]
    assert spoken(summary.first_accepted_s) in line


def test_seconds_of_calls_side_by_side_say_that_they_are(half: list[Record]) -> None:
    """`all calls 4.6 h` in nine minutes."""
    _, _, status = shown(folded(half).summary(), half[-1].at)
    assert "all calls" not in status and "side by side, not time on the clock" in status


def test_a_paused_pool_is_not_idle_for_want_of_work() -> None:
    """`gleaner_pool_idle` said no_work while `gleaner_pool_paused` was 1."""
    decision = PoolDecision(1, 1, 0.0, Why.STEADY, Idle.NO_WORK)
    away = replace(AWAY, name=FRESH_POOL)
    snapshot, scaling = RunSnapshot(at=1.0, summary=Summary()), ScalingDecision(1.0, {FRESH_POOL: decision})
    moment = RunMoment(1.0, "running", snapshot, (conductor(away),), {}, scaling)
    collector = RunCollector(Run("q", "0", (FRESH_POOL,), ("running",), 0.0))
    collector.tell(moment)
    samples = {
        (sample.name, sample.labels.get("reason")): sample.value
        for family in collector.collect()
        for sample in family.samples
        if sample.labels.get("pool") == FRESH_POOL and sample.name.startswith("gleaner_pool_")
    }
    assert samples[("gleaner_pool_paused", None)] == 1
    assert samples[("gleaner_pool_idle", "breaker")] == 1 and samples[("gleaner_pool_idle", "no_work")] == 0
    assert paused((conductor(away), conductor(), conductor(away)))[FRESH_POOL] == 2
