"""A server of S3 on loopback (moto), and a proxy before it that is as rude as a store can be.

`RudeS3` is a double: it is slow, answers 503 before or after it has passed a request on, cuts uploads in the middle,
says that credentials have expired, and gives lists as they were some requests ago. The server behind it is not ours.
"""

import http.client
import random
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from msgspec import Struct

BUCKET = "bucket"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


class Rudeness(Struct, frozen=True):
    """Shares of the requests, and seconds."""

    refused: float = 0.0
    """503 before it is passed on."""
    unanswered: float = 0.0
    """503 after it was passed on."""
    cut: float = 0.0
    """Uploads whose connection is closed in their middle."""
    slow_s: float = 0.0
    """The longest wait before an answer."""


POLITE = Rudeness()


class RudeS3:
    """The proxy. `manners` may be changed at any time; `expired`: whether every request is told so."""

    def __init__(self, behind: str, seed: int) -> None:
        """`behind`: host:port of the server."""
        self.behind = behind
        self.manners = POLITE
        self.expired = False
        self.met: Counter[str] = Counter()
        """How often each kind of rudeness, and each method, was met."""
        self._draw = random.Random(seed)
        self._lists: dict[str, tuple[int, list, bytes]] = {}
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                proxy.answer(self)

            do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One request, as the manners are at this moment."""
        manners, length = self.manners, int(request.headers.get("Content-Length") or 0)
        self.met[request.command] += 1
        time.sleep(self._draw.random() * manners.slow_s)
        if request.command == "PUT" and length and self._draw.random() < manners.cut:
            self.met["cut"] += 1
            request.rfile.read(length // 2)
            request.close_connection = True
            request.connection.close()
            return
        body = request.rfile.read(length)
        if self.expired:
            self.met["expired"] += 1
            self._say(request, 400, [], b"<Error><Code>ExpiredToken</Code><Message>expired</Message></Error>")
        elif self._draw.random() < manners.refused:
            self.met["refused"] += 1
            self._say(request, 503, [], b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>")
        else:
            status, headers, content = self._passed_on(request, body)
            if self._draw.random() < manners.unanswered:
                self.met["unanswered"] += 1
                status, headers, content = 503, [], b"<Error><Code>InternalError</Code></Error>"
            self._say(request, status, headers, content)

    def _passed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list, bytes]:
        server = http.client.HTTPConnection(self.behind, timeout=60)
        server.request(request.command, request.path, body or None, dict(request.headers))
        reply = server.getresponse()
        headers = [each for each in reply.getheaders() if each[0].lower() not in _OWN]
        answer = (reply.status, headers, reply.read())
        server.close()
        if "list-type" in request.path:  # as it was when it was first asked for
            self.met["listed"] += 1
            answer = self._lists.setdefault(request.path, answer)
        return answer

    def _say(self, request: BaseHTTPRequestHandler, status: int, headers: list, content: bytes) -> None:
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(content)


_OWN = frozenset({"content-length", "transfer-encoding", "connection", "date", "server"})


@contextmanager
def s3_server(seed: int = 0) -> Iterator[RudeS3]:
    """A server with an empty bucket, behind a proxy that is polite until it is told otherwise."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    proxy = RudeS3(f"{host}:{port}", seed)
    try:
        urllib.request.urlopen(urllib.request.Request(f"{proxy.url}/{BUCKET}", method="PUT")).close()
        yield proxy
    finally:
        proxy.close()
        server.stop()
