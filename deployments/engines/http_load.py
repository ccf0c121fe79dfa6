"""A server's own word on its load, from the page of metrics that vLLM, SGLang, llama.cpp and TGI offer beside /v1.

Law: a server without that page, or with another one, is asked once. What cannot be read is not guessed.
"""

import asyncio
import math
import re
from collections.abc import Sequence
from random import random

from msgspec import Struct
from yarl import URL

from actors.calls.tuned_limit import ServerLoad
from deployments.engines.http_endpoint import Endpoint

EVERY_S = 1.0
LONGEST_BYTES = 4 * 1024 * 1024
_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{[^\n]*\})? +(\S+)", re.MULTILINE)


class LoadNames(Struct, frozen=True):
    """What a kind of server calls its metrics."""

    running: str
    waiting: str
    kv_used: tuple[str, ...] = ()


KNOWN = (
    LoadNames(
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    ),
    LoadNames("sglang:num_running_reqs", "sglang:num_queue_reqs", ("sglang:token_usage",)),
    LoadNames("llamacpp:requests_processing", "llamacpp:requests_deferred", ("llamacpp:kv_cache_usage_ratio",)),
    LoadNames("tgi_batch_current_size", "tgi_queue_size"),
)


def read_load(page: str) -> ServerLoad | None:
    """The load; None if it is no page of a server that is known. Several engines behind one address are added up."""
    found: dict[str, list[float]] = {}
    for name, value in _LINE.findall(page):
        found.setdefault(name, []).append(_number(value))
    for names in KNOWN:
        running, waiting = found.get(names.running), found.get(names.waiting)
        if running is None or waiting is None:
            continue
        used = [share for name in names.kv_used for share in found.get(name, ())]
        load = ServerLoad(sum(running), sum(waiting), max(used, default=0.0))
        return load if _is_sound((load.running, load.waiting, load.kv_used)) else None
    return None


async def watch_load(endpoint: Endpoint, url: URL) -> None:
    """Tells the endpoint the server's load once a second, until it is cancelled; ends when the server tells none."""
    told = False
    while True:
        page = await endpoint.look(url, most_bytes=LONGEST_BYTES, timeout_s=EVERY_S)
        load = None if page is None else read_load(page.decode(errors="replace"))
        if load is not None:
            told = True
            endpoint.told(load)
        elif not told:
            return
        await asyncio.sleep(EVERY_S * (0.5 + random()))  # several clients must not ask in the same order each time


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _is_sound(values: Sequence[float]) -> bool:
    return all(math.isfinite(value) and value >= 0 for value in values)
