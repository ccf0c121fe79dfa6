"""Serves a run's page from a process of its own: for `gleaner page`, and beside a run for `gleaner run --page`.

Law: it listens on loopback unless an address is named, and asks for a token wherever it does not. It is the last of all
to get a core: a run beside it comes first. A page beside a run ends with the process that started it, however that
ends, and Ctrl-C is that process's.
"""

import asyncio
import ipaddress
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn
from msgspec import Struct

from deployments.page.access import Access
from deployments.page.feed import Feed
from deployments.page.follower import FolderFollower
from deployments.page.site import Site
from schemas.errors import UserError

LOOPBACK = "127.0.0.1"
USUAL_PORT = 9465
NICE = 19
"""How far behind the run's processes it stands where they want the same core."""
ENDING_S = 1


class ListenAt(Struct, frozen=True):
    """Where it listens. `port`: None for the usual one, or any if that is taken; 0 for any. `with_token`: also on
    loopback, where other users of this machine could see it."""

    host: str = LOOPBACK
    port: int | None = None
    with_token: bool = False


def serve(
    folder: Path, beside: Path | None, place: ListenAt, said: Callable[[str], None], *, lifeline: int | None = None
) -> None:
    """Serves until it is interrupted. `said` is given the page's address, with the token if there is one, once it
    listens. `lifeline`: a descriptor that ends when the process that started this one does.

    Raises UserError for an address that cannot be listened on."""
    with suppress(OSError):
        os.nice(NICE)
    listening = bound(place)
    access = Access.new(with_token=place.with_token or not is_loopback(place.host))
    feed = Feed(FolderFollower(folder), None if beside is None else FolderFollower(beside))
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    token = "" if access.token is None else f"?token={access.token}"
    with listening, suppress(KeyboardInterrupt):
        asyncio.run(served(feed, access, listening, lambda: said(f"http://{shown}:{port}/{token}"), lifeline))


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches the address. A name other than localhost may be anything."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bound(place: ListenAt) -> socket.socket:
    """The socket, listening. Raises UserError."""
    ports = (USUAL_PORT, 0) if place.port is None else (place.port,)
    for port in ports:
        try:
            family, _, _, _, address = socket.getaddrinfo(place.host, port, type=socket.SOCK_STREAM)[0]
            return socket.create_server(address[:2], family=family)
        except (OSError, OverflowError, UnicodeError) as error:
            if port == ports[-1]:
                why = getattr(error, "strerror", None) or error
                raise UserError(f"--host {place.host} --port {port}: {why}; name another, or port 0 for any") from error
    raise AssertionError("there is a last port")


class _Server(uvicorn.Server):
    """Streams end before the server waits for them."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    def handle_exit(self, sig: int, frame: object) -> None:
        self.end()
        super().handle_exit(sig, None)

    def end(self) -> None:
        """Ends soon."""
        self._feed.closing = True
        self.should_exit = True


async def served(
    feed: Feed, access: Access, listening: socket.socket, listens: Callable[[], None], lifeline: int | None
) -> None:
    """Serves the feed's page until it is interrupted or cancelled. `listens` is called once it does."""
    config = uvicorn.Config(
        Site(feed, access).app(),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=ENDING_S,
    )
    server = _Server(config, feed)
    loop = asyncio.get_running_loop()
    if lifeline is not None:
        loop.add_reader(lifeline, _lost, lifeline, server)
    async with asyncio.TaskGroup() as group:
        following = group.create_task(feed.follow())
        following.add_done_callback(lambda _: server.end())
        listens()
        await server.serve(sockets=[listening])
        following.cancel()


def _lost(lifeline: int, server: _Server) -> None:
    """Whoever started this process is gone, or never says more."""
    if not os.read(lifeline, 1):
        asyncio.get_running_loop().remove_reader(lifeline)
        server.end()
