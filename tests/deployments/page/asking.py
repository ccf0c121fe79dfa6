"""Requests to the page's application as a server would hand them over, without a server."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from msgspec import Struct
from starlette.types import ASGIApp, Message

from deployments.page.access import Access
from deployments.page.feed import Feed
from deployments.page.follower import FolderFollower
from deployments.page.site import Site

HOST = "127.0.0.1:9465"
OPEN = Access(None, "f" * 43)
"""Loopback, without a token."""


class Reply(Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str


def followed(folder: Path) -> FolderFollower:
    """A follower that has read all there is."""
    follower = FolderFollower(folder)
    follower.step()
    while not follower.reading.is_whole:
        follower.step()
    return follower


def page_of(folder: Path, beside: Path | None = None, access: Access = OPEN) -> ASGIApp:
    """The application of a folder that was read to its end."""
    return Site(Feed(followed(folder), None if beside is None else followed(beside)), access).app()


async def ask(
    app: ASGIApp, address: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
) -> Reply:
    """One request; with a `form`, a POST of it."""
    parts = urlsplit(address)
    sent = {"host": HOST, **(headers or {})}
    scope = {
        "type": "http",
        "method": "GET" if form is None else "POST",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "scheme": "http",
        "server": ("127.0.0.1", 9465),
        "client": ("127.0.0.1", 50_000),
        "root_path": "",
        "http_version": "1.1",
    }
    told: list[Message] = []

    body = iter([{"type": "http.request", "body": urlencode(form or {}).encode()}])

    async def receive() -> Message:
        for part in body:
            return part
        return await asyncio.Future()  # whoever asks stays

    async def send(message: Message) -> None:
        told.append(message)

    await app(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in told[0]["headers"]}
    return Reply(told[0]["status"], found, b"".join(part.get("body", b"") for part in told[1:]).decode())
