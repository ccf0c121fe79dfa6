"""An order's trace as OpenTelemetry's own spans.

Law: they are made by its SDK, with our ids and our times: what an exporter is given, it could have made itself.
"""

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from actors.metrics.spans import OrderTrace, TraceSpan

NANO = 1_000_000_000


def readable(trace: OrderTrace, resource: Resource, scope: InstrumentationScope) -> list[ReadableSpan]:
    """The spans of a trace, as exporters take them."""
    ids, kept = _GivenIds(), _EndedSpans()
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(kept)
    tracer = provider.get_tracer(scope.name, scope.version)
    for span in trace.spans:
        ids.trace, ids.span = trace.id, span.id
        made = tracer.start_span(
            span.name,
            context=_below(trace, span),
            kind=SpanKind.CLIENT if span.is_call else SpanKind.INTERNAL,
            attributes=span.attributes,
            start_time=_nano(span.start),
        )
        for event in span.events:
            made.add_event(event.name, event.attributes, _nano(event.at))
        if span.error is not None:
            made.set_status(Status(StatusCode.ERROR, span.error))
        made.end(_nano(span.end))
    return kept.spans


class _GivenIds(IdGenerator):
    """Gives the ids that it was set to."""

    trace, span = 0, 0

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        return self.span


class _EndedSpans(SpanProcessor):
    """Keeps every span that has ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def _below(trace: OrderTrace, span: TraceSpan) -> Context | None:
    if span.parent is None:
        return None
    parent = SpanContext(trace.id, span.parent, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(parent))


def _nano(seconds: float) -> int:
    return int(seconds * NANO)
