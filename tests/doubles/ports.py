"""Ports of loopback for servers that tests start.

Law: below the range from which the system gives ports to whoever asks for any. A port of that range that is free now
is somebody's a moment later: a Ray that starts beside the test takes dozens.
"""

import secrets
import socket
from contextlib import closing

FIRST, LAST = 20_000, 32_000
"""Above Ray's own ports for workers (10002–19999)."""
TRIES = 100


def free_port() -> int:
    """One that nobody listens on, drawn at random: tests run side by side."""
    for _ in range(TRIES):
        port = FIRST + secrets.randbelow(LAST - FIRST)
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no port is free between {FIRST} and {LAST}")
