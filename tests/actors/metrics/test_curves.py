"""Curves: a run's numbers over time, under the names of its metrics."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family

from actors.metrics.collector import RunCollector
from actors.metrics.curves import COMPUTED, curves, news
from actors.metrics.memory import Memory, remember, seen
from actors.metrics.metric import RunMoment, Seen
from deployments.config.load import load
from deployments.monitoring.endpoint import moment, run_facts
from schemas.bill import Bill, RoleBill
from schemas.verdicts import FAITHFULNESS
from tests.deployments.monitoring.test_endpoint import EXAMPLE
from tests.deployments.terminal.progresses import play

PAGE = Path(__file__).parents[3] / "docs" / "trackers.md"
RUN = run_facts(load(EXAMPLE))
LAST: RunMoment = moment(play()[-1])


def at_the_end() -> Seen:
    return seen(RUN, LAST, remember(Memory(), LAST))


def scraped() -> dict[str, float]:
    """What Prometheus is told at the same moment, by the curves' names."""
    collector = RunCollector(RUN)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    collector.tell(LAST)
    families: list[Family] = list(registry.collect())
    return {
        "/".join((sample.name, *(value.strip("()") for value in sample.labels.values()))): sample.value
        for family in families
        if family.type != "histogram"
        for sample in family.samples
    }


def test_a_curve_is_the_metric_of_its_name() -> None:
    """Whoever knows a metric from Prometheus finds it here, with the same value."""
    drawn, told = curves(at_the_end(), None), scraped()
    shared = drawn.keys() & told.keys()
    assert {name: drawn[name] for name in shared} == {name: told[name] for name in shared}
    assert drawn["gleaner_orders_planned_total/fresh"] == 120.0
    assert len(shared) > 300


def test_what_is_no_metric_is_listed() -> None:
    """The rest is computed of several metrics; the page has each of these with its words."""
    bill = Bill(roles=(RoleBill("generator", 3.0, 1.0),), ends=(), accepted=0.5, unpriced=())
    drawn = curves(at_the_end(), bill)
    others = {name for name in drawn.keys() - scraped().keys() if not name.partition("/")[0].endswith("_mean")}
    listed = {name.partition("/")[0] for name in COMPUTED}
    assert {name.partition("/")[0] for name in others} == listed
    counts = at_the_end().snapshot.counts
    assert drawn["gleaner_yield"] == counts.accepted / (counts.issued - counts.not_needed)
    assert drawn["gleaner_recovery_rate"] == counts.recovered / counts.rejected
    assert all(f"| `{name}` | {words} |" in PAGE.read_text() for name, words in COMPUTED.items())
    assert (drawn["gleaner_cost"], drawn["gleaner_cost_per_accepted"]) == (4.0, 0.5)


def test_the_level_of_a_gate() -> None:
    """How many drafts a gate passes, and the scores that it gives."""
    drawn = curves(at_the_end(), None)
    verdicts = {each.gate: each for each in at_the_end().snapshot.summary.verdicts}[FAITHFULNESS]
    assert drawn["gleaner_gate_pass_rate/faithfulness"] == pytest.approx(
        verdicts.passed / (verdicts.passed + verdicts.rejected)
    )


def test_names_are_plain() -> None:
    """MLflow refuses a name with a bracket: a pool that is gone is `gone`."""
    assert not {name for name in curves(at_the_end(), None) if not set(name) <= NAMES}


NAMES = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")


def test_only_what_is_new_is_told() -> None:
    """A gauge that falls back to 0 is news; a count that never was anything else is none."""
    assert news({"a": 0.0, "b": 0.0, "c": 2.0, "d": 3.0}, {"b": 5.0, "c": 2.0}) == {"b": 0.0, "d": 3.0}
