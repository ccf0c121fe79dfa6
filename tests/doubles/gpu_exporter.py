"""`gpu_exporter`: two GPUs as NVIDIA's dcgm-exporter tells of them, and a run that holds them, at one `/metrics`.

Names, types and labels are those of the exporter's own counters; numbers are made up, and counters grow at each scrape.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread

GAUGES = {
    "DCGM_FI_DEV_GPU_UTIL": 97,
    "DCGM_FI_DEV_FB_USED": 70_000,
    "DCGM_FI_DEV_FB_FREE": 10_000,
    "DCGM_FI_DEV_POWER_USAGE": 540.5,
    "DCGM_FI_DEV_XID_ERRORS": 0,
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": 0.91,
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": 0.34,
}
"""Gauges of the exporter's default counters and of its profiling counters (`dcp-metrics-included.csv`)."""
RUN = {"gleaner_accelerator_held_seconds_total": 2.0, "gleaner_accelerator_busy_seconds_total": 1.5}
"""Of a run on them: seconds by which each counter grows."""


def page(scrape: int) -> str:
    """What the scrape of this number is answered."""
    lines = []
    for name, value in GAUGES.items():
        lines.append(f"# TYPE {name} gauge")
        for gpu in range(2):
            labels = f'gpu="{gpu}",UUID="GPU-{gpu}",device="nvidia{gpu}",modelName="NVIDIA H100",Hostname="node-1"'
            lines.append(f"{name}{{{labels}}} {value}")
    for name, grows in RUN.items():
        lines += [f"# TYPE {name} counter", f'{name}{{role="generator",pool="generator"}} {grows * scrape}']
    return "\n".join(lines) + "\n"


@contextmanager
def gpu_exporter() -> Iterator[str]:
    """Serves the page while the block runs; gives host and port."""
    scrapes = count(1)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page(next(scrapes)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
