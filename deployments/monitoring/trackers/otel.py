"""OpenTelemetry: the run's metrics as they stand, and traces of its orders, over OTLP and HTTP.

Law: a metric has the name, the labels and the value of the endpoint's (`actors.metrics.table`). All dead letters have a
trace, and of the other orders those whose ids say so. A trace is noted as sent when the collector has taken it. The
collector's reply decides: nothing is sent from behind, and nothing is kept for later but in the ledger.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as OtelMetric
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import LedgerReader
from actors.metrics.metric import Metric, Seen, Type
from actors.metrics.spans import OrderTrace, TraceTerms, is_sampled, trace_id, trace_of
from actors.metrics.table import METRICS
from deployments.monitoring.trackers.messages import ToldBegin
from deployments.monitoring.trackers.models import asked_models
from deployments.monitoring.trackers.otel_refusals import HeardRefusals
from deployments.monitoring.trackers.otel_spans import readable
from deployments.monitoring.trackers.sent import SentTraces
from schemas.config_trackers import OtelTracker
from schemas.distributions import Distribution
from schemas.ids import OrderId

TIMEOUT_S = 3.0
"""For one request with its retries: the run says within ten seconds that a collector is away."""
BATCH = 64
"""Traces in one request."""
PAGE = 2_000
"""Ends that are looked through at once."""
TURN_S = 3.0
"""Of the time between two moments, so much goes to traces. What is left comes at the next."""
NANO = 1_000_000_000


class OtelRun:
    """One run at a collector."""

    def __init__(self, config: OtelTracker, begin: ToldBegin, folder: str) -> None:
        base = config.endpoint.rstrip("/")
        self._metrics = OTLPMetricExporter(f"{base}/v1/metrics", timeout=TIMEOUT_S)
        self._spans = OTLPSpanExporter(f"{base}/v1/traces", timeout=TIMEOUT_S)
        self._resource = Resource(
            {
                "service.name": "gleaner",
                "service.version": begin.run.version,
                "service.instance.id": folder,
                "gleaner.run": begin.run.name,
            }
        )
        self._scope = InstrumentationScope("gleaner", begin.run.version)
        self._terms = TraceTerms(folder, asked_models(begin.config), config.content)
        self._share = config.traces
        self._output = Path(begin.output)
        self._sent = SentTraces(self._output, base)

    def follow(self, seen: Seen, curves: dict[str, float]) -> None:
        """Sends every metric, then the traces that are due, for a while. Raises OSError with what the exporter said."""
        with HeardRefusals() as refusals:
            data = metrics_data(seen, self._resource, self._scope)
            if self._metrics.export(data) is not MetricExportResult.SUCCESS:
                raise OSError(refusals.words)
        self._send_traces(until=time.monotonic() + TURN_S)

    def finish(self, *, complete: bool) -> None:
        """Sends all traces that are left."""
        self._send_traces(until=float("inf"))

    def close(self) -> None:
        self._metrics.shutdown()
        self._spans.shutdown()

    def _send_traces(self, until: float) -> None:
        with Ledgers(self._output) as ledgers, HeardRefusals() as refusals:
            for ledger in ledgers.each:
                while page := ledger.order_ends(self._sent.upto(ledger.shard.ledger), PAGE):
                    for upto, traces in self._batches(ledger, page):
                        if traces and self._spans.export(self._readable(traces)) is not SpanExportResult.SUCCESS:
                            raise OSError(refusals.words)
                        self._sent.note(ledger.shard.ledger, upto)
                        if time.monotonic() >= until:
                            return

    def _batches(
        self, ledger: LedgerReader, page: Sequence[tuple[int, OrderId, bool]]
    ) -> Iterator[tuple[int, list[OrderTrace]]]:
        """Traces of a page of ends, each batch with the last sequence number that it covers."""
        batch: list[OrderTrace] = []
        for seq, order, is_dead in page:
            if is_dead or is_sampled(trace_id(self._terms.folder, order), self._share):
                batch.append(trace_of(order, ledger.story(order), self._terms))
            if len(batch) >= BATCH:
                yield seq, batch
                batch = []
        yield page[-1][0], batch

    def _readable(self, traces: Sequence[OrderTrace]) -> list[ReadableSpan]:
        return [span for trace in traces for span in readable(trace, self._resource, self._scope)]


def metrics_data(seen: Seen, resource: Resource, scope: InstrumentationScope) -> MetricsData:
    """Every metric of the table as OpenTelemetry's own types, at the run's moment."""
    start, now = _nano(seen.snapshot.summary.started_at or seen.moment.at), _nano(seen.moment.at)
    metrics = [_metric(metric, seen, start, now) for metric in METRICS]
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, metrics, "")], "")])


def _metric(metric: Metric, seen: Seen, start: int, now: int) -> OtelMetric:
    points = [(_attributes(metric, labels), value) for labels, value in metric.read(seen)]
    if metric.type is Type.HISTOGRAM:
        data = Histogram(
            [_histogram(of, value, metric, (start, now)) for of, value in points if isinstance(value, Distribution)],
            AggregationTemporality.CUMULATIVE,
        )
    else:
        numbers = [
            NumberDataPoint(of, start, now, value) for of, value in points if not isinstance(value, Distribution)
        ]
        is_counter = metric.type is Type.COUNTER
        data = Sum(numbers, AggregationTemporality.CUMULATIVE, True) if is_counter else Gauge(numbers)
    return OtelMetric(metric.name, metric.help, "", data)


def _histogram(of: dict[str, str], value: Distribution, metric: Metric, when: tuple[int, int]) -> HistogramDataPoint:
    counts = value.counts or (0,) * (len(metric.bounds) + 1)
    unknown: Any = None  # no smallest and largest value is kept
    return HistogramDataPoint(of, *when, value.count, value.total, counts, metric.bounds, unknown, unknown)


def _attributes(metric: Metric, labels: tuple[str, ...]) -> dict[str, str]:
    return {label.value: value for label, value in zip(metric.labels, labels, strict=True)}


def _nano(seconds: float) -> int:
    return int(seconds * NANO)
