"""`GatedHub`: the Hugging Face hub as its client meets it, on loopback. It has one gated model and no other.

Its answers have the status and the header `X-Error-Code` by which huggingface_hub tells its errors apart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

GATED = "meta/gated-model"


class GatedHub(BaseHTTPRequestHandler):
    """Refuses every file: of the gated model for want of a token, of others because there is none."""

    def do_GET(self) -> None:
        """What the client asks for a file's contents."""
        self._refuse()

    def do_HEAD(self) -> None:
        """What the client asks for a file's name and size."""
        self._refuse()

    def _refuse(self) -> None:
        gated = GATED in self.path
        self.send_response(401 if gated else 404)
        self.send_header("X-Error-Code", "GatedRepo" if gated else "RepoNotFound")
        self.send_header("X-Error-Message", f"Access to model {GATED} is restricted." if gated else "Not found")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@contextmanager
def gated_hub() -> Iterator[str]:
    """Its address, while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), GatedHub)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
