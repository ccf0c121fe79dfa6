"""The page in a real browser: what is there, filters by keyboard, changes as a run goes on, a hostile passage, a
hundred thousand samples, contrast, a phone."""

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from actors.ledger.sqlite import SqliteLedger
from deployments.page.access import Access
from deployments.page.feed import Feed
from deployments.page.follower import FolderFollower
from deployments.page.labels import labels_of
from deployments.page.serve import ListenAt, bound, served
from schemas.ledger import AcceptedEnd, Planned, Record
from schemas.live import NAME, Live, Waiting
from schemas.orders import Attempt
from schemas.stages import Pause
from schemas.verdicts import FAITHFULNESS, REWARD, Passed
from tests.deployments.terminal.progresses import REPLICAS
from tests.doubles.attempts import candidate, orders, passage
from tests.doubles.browser import DESKTOP, PHONE, Page, browser
from tests.doubles.ledgers import Scale, plausible_run
from tests.needs import needs
from tests.security.evil import BREAKOUTS, MARK, poisoned

pytestmark = [pytest.mark.slow, needs("chromium", "chromium")]
CONTRAST = Path(__file__).with_name("contrast.js").read_text()
TAB, ENTER = ("Tab", 9), ("Enter", 13)


@asynccontextmanager
async def served_page(folder: Path, beside: Path | None = None) -> AsyncIterator[str]:
    """The folder's page on a port of loopback, in this process; gives its address."""
    feed = Feed(FolderFollower(folder), None if beside is None else FolderFollower(beside))
    listening = bound(ListenAt(port=0))
    task = asyncio.ensure_future(served(feed, Access.new(with_token=False), listening, lambda: None, None))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        task.cancel()
        await asyncio.wait([task])
        listening.close()


def write(folder: Path, records: list[Record]) -> None:
    with SqliteLedger(folder) as ledger:
        ledger.append(records)


def say(folder: Path, **changes: object) -> None:
    """A process of ours says that it runs."""
    told = Live(time.time(), socket.gethostname(), os.getpid(), "running", launch="run", replicas=REPLICAS)
    (folder / NAME).write_bytes(msgspec.json.encode(msgspec.structs.replace(told, **changes)))


async def text(page: Page) -> str:
    return " ".join((await page.value("document.querySelector('main').innerText")).split())


async def test_a_person_reads_filters_and_labels_with_the_keyboard(tmp_path: Path) -> None:
    """From the overview to a recovered sample and a label, in both colours, on a desk and on a phone."""
    folder, other = tmp_path / "one", tmp_path / "other"
    for each, seed in ((folder, 1), (other, 2)):
        each.mkdir()
        write(each, list(plausible_run(seed, Scale(passages=30))))
    async with served_page(folder, other) as address, browser(tmp_path / "profile") as page:
        await page.open(f"{address}/")
        await page.until("document.body.innerText.includes('finished')")
        shown = await text(page)
        assert "of 90 issued" in shown and "faithfulness" in shown and "strict grounding" in shown
        await page.open(f"{address}/samples")
        await page.value("document.getElementById('repair').focus()")
        await page.value("document.getElementById('repair').value = 'strict_grounding'")
        await page.value("document.getElementById('text').focus()")
        await page.press(*ENTER)
        await page.until("location.search.includes('repair=strict_grounding')")
        lines = await page.value("[...document.querySelectorAll('.line')].map(each => each.innerText)")
        assert lines and all("repair strict grounding" in line for line in lines)
        life = await page.value("document.querySelector('.line a').href")
        for path in ("/", "/samples", urlsplit(life).path, "/labels", "/compare"):
            for size in (PHONE, DESKTOP):
                for dark in (False, True):
                    await page.look(size=size, dark=dark)
                    await page.open(address + path)
                    contrast = await page.value(CONTRAST)
                    assert contrast["found"] == [] and contrast["seen"] > 10, (path, dark)
                    width = await page.value("document.documentElement.scrollWidth")
                    assert width <= size[0], (path, size)
        await page.open(life)
        assert await page.value("document.querySelectorAll('mark').length") > 2
        assert "Accepted beside rejected" in await text(page)
        await page.press(*TAB)
        assert await page.value("document.activeElement.className") == "skip"
        assert await page.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        await page.value("document.querySelector('button.good').focus()")
        await page.press(*ENTER)
        await page.until("document.body.innerText.includes('labelled good')")
        assert list(labels_of(folder)) == [urlsplit(life).path.rpartition("/")[2]]
        assert page.complaints == []


async def test_a_run_that_goes_on_is_followed(tmp_path: Path) -> None:
    """A sample ends: it is on the screen within a second. A pool goes away: why it waits is there as soon. Where the
    reader is, nothing moves."""
    records = list(plausible_run(3, Scale(passages=40)))
    write(tmp_path, records[:80])
    say(tmp_path)
    async with served_page(tmp_path) as address, browser(tmp_path / "profile") as page:
        await page.open(f"{address}/")
        await page.until("document.body.innerText.includes('running')")
        took = []
        for start in range(80, 140, 20):
            more = records[start : start + 20]
            ended = sum(isinstance(record, AcceptedEnd) for record in records[: start + 20])
            assert ended > sum(isinstance(record, AcceptedEnd) for record in records[:start])
            write(tmp_path, more)
            began = time.monotonic()
            value = "document.querySelector('[data-part=orders] .value').innerText"
            await page.until(f"{value} === '{ended}'")
            took.append(time.monotonic() - began)
        assert min(took) < 1.0, took
        why = Pause(REWARD, since=time.time(), why="no answer from http://judge:8000/v1")
        say(tmp_path, waiting=Waiting(pauses=(why,)))
        await page.until("document.body.innerText.includes('no answer from http://judge:8000/v1')")
        await page.until("document.body.innerText.includes('cannot be asked')")
        await page.value("document.querySelector('[data-part=newest] a').focus()")
        before = await page.value("document.activeElement.href")
        write(tmp_path, records[140:200])
        await page.until("document.querySelector('[data-part=flow]').innerText.includes('second')")
        await asyncio.sleep(1.5)
        assert await page.value("document.activeElement.href") == before
        assert page.complaints == []


async def test_a_passage_with_script_tags_is_read_and_not_run(tmp_path: Path) -> None:
    """Every text of the run holds every breakout: the browser runs none, and builds no element of theirs."""
    write(tmp_path, poisoned("".join(BREAKOUTS)))
    async with served_page(tmp_path) as address, browser(tmp_path / "profile") as page:
        await page.call("Page.addScriptToEvaluateOnNewDocument", source="window.alert = () => { window.ran = true }")
        await page.open(f"{address}/")
        await page.until("document.querySelector('.line a') !== null")
        life = await page.value("document.querySelector('.line a').href")
        for where in (f"{address}/", f"{address}/samples", life):
            await page.open(where)
            await asyncio.sleep(0.3)
            assert await page.value("window.ran === undefined")
            assert await page.value(f"document.querySelectorAll({json.dumps(MARK)}).length") == 0
            assert await page.value("document.scripts.length") == 1
        assert "<script>alert(1)</script>" in await text(page)
        assert page.complaints == []


def many(samples: int) -> list[Record]:
    """So many accepted samples, a hundred of each passage."""
    found: list[Record] = []
    verdicts = (Passed(FAITHFULNESS, 0.9, 0.5), Passed(REWARD, 0.8, 0.5))
    for number in range(samples // 100):
        of = passage(number)
        planned = tuple(orders(of, 100))
        found.append(Planned(float(number), of, planned))
        for slot, order in enumerate(planned):
            attempt = Attempt(1, None, candidate(f"What of {number} and {slot}?"), verdicts)
            found.append(AcceptedEnd(number + slot / 100, order.id, attempt))
    return found


async def test_a_hundred_thousand_samples_are_there_at_once(tmp_path: Path) -> None:
    """The folder of a large run is opened: the counts and the newest samples come before all is read, and a search
    meanwhile. (Seconds, not one: several tests share these cores; docs/page.md has the figure.)"""
    write(tmp_path, many(100_000))
    async with served_page(tmp_path) as address, browser(tmp_path / "profile") as page:
        began = time.monotonic()
        await page.open(f"{address}/")
        await page.until("document.body.innerText.includes('100,000')")
        await page.until("document.querySelector('.line a').innerText.includes('What of 999 and 99?')")
        assert time.monotonic() - began < 5.0
        began = time.monotonic()
        await page.open(f"{address}/samples?text=what+of+3+and+17%3F&end=accepted")
        assert "of the ledger that were read so far" in await text(page)
        assert time.monotonic() - began < 5.0
