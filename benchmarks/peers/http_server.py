"""The simulated server's wire: OpenAI's chat completions over HTTP/1.1, with little work for each, since it shares the
machine with the system that is measured. Law: a client that goes away abandons its call, as with real servers.

    python -m benchmarks.peers.http_server --log FILE [--slots 64] [--sigma 0.6] [--port 0]
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.peers.service import Pace, Reply, Service

MODEL = "sim"
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error"}


class Connection(asyncio.Protocol):
    """One connection of a client: kept alive, one request at a time."""

    transport: asyncio.Transport

    def __init__(self, service: Service) -> None:
        self._service = service
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._next()

    def _next(self) -> None:
        """Starts the next request if all of it has arrived."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        begins, length = end + 4, int(headers.get("content-length", 0))
        if len(self._buffer) < begins + length:
            if "expect" in headers and len(self._buffer) == begins:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        body = bytes(self._buffer[begins : begins + length])
        del self._buffer[: begins + length]
        method, path, _ = first.split(" ", 2)
        self._task = asyncio.get_running_loop().create_task(self._answer(method, path, body))
        self._task.add_done_callback(partial(self._ended, headers.get("connection", "").lower() == "close"))

    def _ended(self, close: bool, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled():
            return
        if (bug := task.exception()) is not None:
            print("simulated server:", repr(bug), file=sys.stderr, flush=True)
            self._send(500, {"error": {"message": repr(bug), "type": "bug"}})
        if close:
            self.transport.close()
        elif self._buffer:
            self._next()

    async def _answer(self, method: str, path: str, body: bytes) -> None:
        if method == "POST" and path.endswith("/chat/completions"):
            try:
                self._send(200, _completion(await self._service.answer(json.loads(body))))
            except ValueError as error:
                self._send(400, {"error": {"message": str(error), "type": "invalid_request_error"}})
        elif path.endswith("/models"):
            self._send(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "simulated"}]})
        elif path == "/answered":
            self._send(200, self._service.answered)
        else:
            self._send(404, {"error": {"message": f"no {method} {path}", "type": "not_found"}})

    def _send(self, status: int, value: object) -> None:
        body = msgspec.json.encode(value)
        head = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self.transport.write(head.encode() + b"\r\n\r\n" + body)


def _completion(reply: Reply) -> dict[str, object]:
    message = {"role": "assistant", "content": reply.text}
    return {
        "id": "chatcmpl-sim",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "length" if reply.cut else "stop", "message": message}],
        "usage": {
            "prompt_tokens": reply.prompt,
            "completion_tokens": reply.completion,
            "total_tokens": reply.prompt + reply.completion,
        },
    }


async def serve(pace: Pace, log: Path, *, seed: int, port: int) -> None:
    """Serves until SIGTERM or SIGINT. Prints its port when it is up."""
    service, loop, stop = Service(pace, log, seed=seed), asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", port, backlog=4096)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    server.close()
    service.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    for name in ("slots", "call_ms", "token_ms", "sigma", "faster"):
        usual = getattr(Pace(), name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(usual), default=usual)
    given = parser.parse_args()
    pace = Pace(given.slots, given.call_ms, given.token_ms, given.sigma, given.faster)
    asyncio.run(serve(pace, given.log, seed=given.seed, port=given.port))


if __name__ == "__main__":
    main()
