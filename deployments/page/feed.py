"""What browsers are told as a run goes on: the overview's parts, made anew and sent where they have changed.

Law: one owner reads the folders, in short steps between requests, on the server's own loop. A change is sent at most a
second after it was recorded; nothing is made for nobody.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from actors.counts.outlook import outlook, outlook_words
from deployments.page.follower import FolderFollower
from deployments.page.index import SampleFilter
from deployments.page.moment import ShownMoment, Watch
from deployments.page.render import rendered

TICK_S = 0.25
"""The folder is looked at so often."""
RENDER_S = 1.0
"""While nothing new is read, ages and rates are still made anew so often."""
SILENCE_S = 15.0
"""A browser is sent a sign of life so often, so that no proxy gives up."""
MOST_WATCHERS = 32
NEWEST = 6
PARTS = ("state", "orders", "flow", "gates", "failures", "cost", "newest", "ended")


class Feed:
    """Follows `run`, and `beside` if there is another to compare it with."""

    def __init__(self, run: FolderFollower, beside: FolderFollower | None = None) -> None:
        self.run = run
        self.beside = beside
        self.closing = False
        """Streams end."""
        self._watch = Watch(run)
        self._parts: dict[str, str] = {}
        self._made_at = float("-inf")
        self._watchers = 0

    @property
    def is_full(self) -> bool:
        """Whether no more browsers are told."""
        return self._watchers >= MOST_WATCHERS

    async def follow(self) -> None:
        """Reads for ever; cancel it."""
        runs = [self.run] if self.beside is None else [self.run, self.beside]
        while True:
            changed = [run.step() for run in runs]
            is_whole = all(run.reading.is_whole for run in runs)
            if (any(changed) and is_whole) or time.monotonic() - self._made_at >= RENDER_S:
                self._made_at = time.monotonic()
                moment = self._watch.moment()
                self._parts = self._made(moment) if self._watchers else {}
            await asyncio.sleep(TICK_S if is_whole else 0)

    def now(self) -> dict[str, Any]:
        """What the overview's parts show at this moment, by the names in their templates."""
        return self._values(self._watch.moment())

    def _made(self, moment: ShownMoment) -> dict[str, str]:
        values = self._values(moment)
        return {name: rendered(f"part_{name}", **values) for name in PARTS}

    def _values(self, moment: ShownMoment) -> dict[str, Any]:
        run = self.run
        ahead = outlook(run.summary, wanted=None if run.config is None else run.config.stop.samples)
        return {
            "moment": moment,
            "summary": run.summary,
            "counts": run.counts,
            "reading": run.reading,
            "bill": run.bill,
            "ahead": "" if ahead is None else f"{ahead.accepted.value:,.0f} {outlook_words(ahead)}",
            "newest": run.index.found(SampleFilter()).samples[:NEWEST] if run.reading.is_whole else run.newest(NEWEST),
        }

    async def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events: each part that has changed, as long as the browser stays."""
        self._watchers += 1
        sent: dict[str, str] = {}
        told_at = time.monotonic()
        try:
            yield b"retry: 2000\n\n"
            while not self.closing:
                news = b"".join(
                    b"event: part\ndata: " + msgspec.json.encode([name, html]) + b"\n\n"
                    for name, html in self._parts.items()
                    if sent.get(name) != html
                )
                sent = sent | self._parts
                if news or time.monotonic() - told_at > SILENCE_S:
                    told_at = time.monotonic()
                    yield news or b": still here\n\n"
                await asyncio.sleep(TICK_S / 2)
        finally:
            self._watchers -= 1
