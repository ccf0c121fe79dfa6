"""A run of the product in this process, for studies: its queue, conductor, gates and recovery, without Ray.

Law: whatever a study compares, it configures; nothing of the loop is the study's own.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from actors.calls.clocks import Clocks, Steady
from actors.conductor import Conductor, Toolbox
from actors.ledger.sqlite import MemoryLedger
from actors.protocols import Orders
from deployments.build.wiring import conductor_random, conductor_settings, queue_service
from deployments.local.loop import InProcessOrders
from schemas.config import RunConfig
from schemas.corpus import Passage
from schemas.ledger import Record

NAME = "study"


async def records_of(
    config: RunConfig, passages: Sequence[Passage], tools: Callable[[Orders], Toolbox]
) -> list[Record]:
    """The ledger of a run that brings every order of the passages, and every probe, to its end."""
    ledger = MemoryLedger()
    service = queue_service(config, ledger, now=Steady(Clocks()))
    conductor = Conductor(
        tools(InProcessOrders(service)),
        conductor_settings(config, NAME),
        clock=time.time,
        monotonic=time.monotonic,
        sleep=asyncio.sleep,
        random=conductor_random(config, NAME),
    )
    try:
        await service.offer(passages)
        await service.corpus_ended(documents=len(passages), passages=len(passages))
        await conductor.run()
    finally:
        await service.close()
    return ledger.kept
