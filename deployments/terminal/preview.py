"""`gleaner preview`: a few samples' whole lives, made in this process with the run's own parts. Nothing is written.

Law: what a preview shows is what a run would do: the same passages first, the same seeds, prompts, gates and repairs;
only Ray is left out, and each passage gives one sample.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console, Group
from rich.rule import Rule
from rich.text import Text

from actors.conductor import Conductor
from actors.corpus.chunker import Chunker
from actors.corpus.reader import read
from actors.ledger import MemoryLedger
from actors.lives import Life, life_of
from actors.queue_service import QueueService
from deployments.config import check_models, load
from deployments.local_gates import local_gate, names, started
from deployments.terminal.life import Prompts, life_view
from deployments.terminal.parts import DIM
from deployments.terminal.reading import as_builtins, put_json
from deployments.terminal.words import percent, plural
from deployments.wiring import conductor_random, conductor_settings, queue_service, toolbox
from schemas.config import RunConfig
from schemas.corpus import Document, Passage
from schemas.errors import CorpusError
from schemas.ids import PoolName
from schemas.ledger import Planned
from schemas.orders import Lease, Outcome, Settlement

NAME = "preview"
LEASE_WAIT_S = 0.2


def preview(path: Path, *, samples: int, json: bool) -> None:
    """Makes and shows the first `samples` samples of a configuration."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # libraries that load weights would draw over the view
    config = load(path)
    check_models(config)
    with Console(stderr=True).status("loading models and making samples", spinner="dots"):
        lives = asyncio.run(preview_lives(config, samples=samples))
    if json:
        put_json([as_builtins(life) for life in lives])
        return
    console, prompts = Console(), Prompts()
    for count, life in enumerate(lives, 1):
        console.print(Rule(Text(f"sample {count} of {len(lives)}", style="bold"), characters="━"))
        console.print(life_view(life, prompts=prompts), Text())
    console.print(Group(Rule(style=DIM), _told(lives)))


async def preview_lives(config: RunConfig, *, samples: int) -> list[Life]:
    """The whole lives of one sample from each of the first `samples` passages. Raises UserError as a run would."""
    config = replace(config, task=replace(config.task, samples_per_passage=1))
    passages = _passages(config, samples)
    ledger = MemoryLedger()
    service = queue_service(config, ledger, now=time.time)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(service.close)
        pools = {PoolName(name): await started(stack, pool.engine) for name, pool in config.pools.items()}
        scored = {name: await local_gate(stack, config, name) for name in names(config)}
        await service.offer(passages)
        await service.corpus_ended(documents=len(passages), passages=len(passages))
        conductor = Conductor(
            toolbox(config, InProcessOrders(service), pools, scored),
            conductor_settings(config, NAME),
            clock=time.time,
            sleep=asyncio.sleep,
            random=conductor_random(config, NAME),
        )
        await conductor.run()
    return [_life(ledger, record) for record in ledger.kept if isinstance(record, Planned)]


class InProcessOrders:
    """The queue service as a conductor in the same process sees it."""

    def __init__(self, service: QueueService) -> None:
        self._service = service

    async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
        leases = await self._service.lease(conductor, limit, LEASE_WAIT_S)
        return None if not leases and self._service.finished() else leases

    async def settle(self, outcome: Outcome) -> Settlement:
        return (await self._service.settle([outcome]))[0]


def _passages(config: RunConfig, limit: int) -> list[Passage]:
    chunker = Chunker(config.corpus.chunking)
    documents = (found for found in read(config.corpus) if isinstance(found, Document))
    found = list(islice((passage for document in documents for passage in chunker.passages(document)), limit))
    if not found:
        raise CorpusError(f"{', '.join(config.corpus.paths)}: no passage can be read there; nothing to preview")
    return found


def _life(ledger: MemoryLedger, planned: Planned) -> Life:
    order_id = planned.orders[0].id
    story = [record for record in ledger.kept if getattr(record, "order_id", None) == order_id]
    return life_of(order_id, [planned, *story])


def _told(lives: Sequence[Life]) -> Text:
    accepted = sum(life.accepted_at is not None for life in lives)
    recovered = sum(life.accepted_at is not None and len(life.attempts) > 1 for life in lives)
    attempts = plural(sum(len(life.attempts) for life in lives), "attempt")
    share = percent(accepted, len(lives))
    return Text(
        f"{accepted} of {plural(len(lives), 'sample')} accepted ({share}), {recovered} after repair, in {attempts}; "
        "nothing was written",
        style=DIM,
    )
