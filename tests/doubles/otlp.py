"""A collector of OTLP over HTTP on loopback: a double. It decodes what a real exporter sends, and keeps it."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """What came. `status`: what it answers; `hangs`: it answers nothing while that is set."""

    def __init__(self) -> None:
        self.status = 200
        self.metrics: list[dict[str, Metric]] = []
        """The metrics of each request, by name."""
        self.spans: list[Span] = []
        self.resource: dict[str, object] = {}
        self.headers: dict[str, str] = {}
        self.requests = 0
        self.hangs = threading.Event()
        self.ends = threading.Event()
        self.address = ""

    def take_metrics(self, data: bytes) -> bytes:
        for resource in ExportMetricsServiceRequest.FromString(data).resource_metrics:
            self.resource = values(resource.resource.attributes)
            self.metrics += [{metric.name: metric for metric in scope.metrics} for scope in resource.scope_metrics]
        return ExportMetricsServiceResponse().SerializeToString()

    def take_traces(self, data: bytes) -> bytes:
        for resource in ExportTraceServiceRequest.FromString(data).resource_spans:
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return ExportTraceServiceResponse().SerializeToString()

    @property
    def roots(self) -> list[Span]:
        """The spans that stand for orders, in the order in which they came."""
        return [span for span in self.spans if not span.parent_span_id]


def values(attributes: Iterable[KeyValue]) -> dict[str, object]:
    """Attributes as a dict."""
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(each) for each in value.array_value.values)
    return None if kind is None else getattr(value, kind)


@contextmanager
def collector() -> Iterator[Collector]:
    """One that listens while the block runs."""
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            kept.requests += 1
            kept.headers = {name.lower(): value for name, value in self.headers.items()}
            if kept.hangs.is_set():
                kept.ends.wait(60)
                return
            reply = b""
            if kept.status == 200:
                reply = {"/v1/metrics": kept.take_metrics, "/v1/traces": kept.take_traces}[self.path](data)
            self.send_response(kept.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield kept
    finally:
        kept.ends.set()
        server.shutdown()
        server.server_close()
        thread.join()
