"""OpenTelemetry: what a real exporter, in a real process of its own, brings to a collector.

The collector is a double: it decodes the protobuf of the exporter's HTTP requests.
"""

from pathlib import Path

import msgspec
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client import CollectorRegistry

from actors.metrics.collector import RunCollector
from actors.metrics.spans import is_sampled, trace_id
from deployments.monitoring.endpoint import moment, run_facts
from schemas.config_trackers import OtelTracker, Trackers
from schemas.ids import OrderId
from tests.deployments.monitoring.trackers.folders import (
    LAST,
    config_with,
    ends_of,
    folder_at,
    following,
    id_of,
    told,
    until,
)
from tests.doubles.otlp import Collector, collector, values

SHARE = 0.3


def at(found: Collector, **changes: object) -> Trackers:
    return Trackers(otel=msgspec.structs.replace(OtelTracker(found.address, traces=SHARE), **changes))


def orders_of(spans: list[Span]) -> list[str]:
    return [str(values(span.attributes)["gleaner.order"]) for span in spans]


@pytest.mark.slow
def test_a_run_at_a_collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its metrics are those of the endpoint, number for number. Every dead letter has a trace, and of the other orders
    those that the share takes; a later process of the run sends no trace again, unless the note of them is lost."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=of-this-test")
    folder = folder_at(tmp_path / "run")
    ends, id = ends_of(folder), id_of(folder)
    with collector() as found:
        assert told(folder, at(found)) == {}
        assert found.headers["x-key"] == "of-this-test"
        assert found.resource["service.instance.id"] == id and found.resource["gleaner.run"] == "quickstart"
        assert numbers_of(found) == numbers_scraped()
        due = ends[True] | {one for one in ends[False] if is_sampled(trace_id(id, OrderId(one)), SHARE)}
        assert sorted(orders_of(found.roots)) == sorted(due) and len(due) > len(ends[True]) > 0
        check_traces(found, ends[True])
        sent = len(found.spans)
        assert told(folder, at(found)) == {} and len(found.spans) == sent
        first = {(span.trace_id, span.span_id) for span in found.spans}
        (folder / "trackers" / "otel.json").unlink()
        assert told(folder, at(found)) == {} and len(found.spans) == 2 * sent
        assert {(span.trace_id, span.span_id) for span in found.spans} == first


def numbers_of(found: Collector) -> dict[tuple[str, ...], float]:
    """The counters and gauges of the last request, by name and labels."""
    return {
        (name, *map(str, values(point.attributes).values())): point.as_double or float(point.as_int)
        for name, metric in found.metrics[-1].items()
        for point in (*metric.sum.data_points, *metric.gauge.data_points)
    }


def numbers_scraped() -> dict[tuple[str, ...], float]:
    run = RunCollector(run_facts(config_with(Trackers())))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(run)
    run.tell(moment(LAST))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in registry.collect()
        if family.type != "histogram"
        for sample in family.samples
    }


def check_traces(found: Collector, dead: set[str]) -> None:
    """Spans hang together, calls are clients with their tokens, dead letters are errors, histograms add up."""
    ids = {(span.trace_id, span.span_id) for span in found.spans}
    assert all((span.trace_id, span.parent_span_id) in ids for span in found.spans if span.parent_span_id)
    calls = [span for span in found.spans if span.kind == Span.SPAN_KIND_CLIENT]
    assert calls and all("gen_ai.usage.input_tokens" in values(span.attributes) for span in calls)
    assert all(span.name.startswith(str(values(span.attributes)["gen_ai.operation.name"])) for span in calls)
    failed = [span for span in found.roots if span.status.code == Status.STATUS_CODE_ERROR]
    assert set(orders_of(failed)) == dead
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano for span in found.spans)
    for point in found.metrics[-1]["gleaner_attempt_seconds"].histogram.data_points:
        assert sum(point.bucket_counts) == point.count and len(point.bucket_counts) == len(point.explicit_bounds) + 1


@pytest.mark.slow
def test_a_collector_that_is_away(tmp_path: Path) -> None:
    """It refuses: the run says so, with the exporter's reason. It comes back, and misses nothing."""
    folder = folder_at(tmp_path / "run")
    with collector() as found:
        found.status = 503
        with following(folder, at(found)) as followers:
            followers.tell(LAST)
            assert until(lambda: "Service Unavailable" in str(followers.pauses), 60)
            assert followers.pauses[0].name == "tracker otel"
            found.status = 200
            assert followers.finish(complete=True, wait_s=60, goes_on=lambda: True) == {}
        assert set(orders_of(found.roots)) >= ends_of(folder)[True]
