"""A whole math run in this process: real queue, conductor and verifier; the solver and the ledger are given."""

import asyncio
import time
from collections.abc import Sequence
from random import Random

from actors.conductor import Conductor
from actors.gates.verifier import VerifierGate
from actors.ledger.sqlite import MemoryLedger
from actors.protocols import Generator
from deployments.build.gates import inside_gates
from deployments.build.wiring import conductor_settings, queue_service, toolbox
from deployments.local.loop import InProcessOrders
from schemas.config import RunConfig
from schemas.corpus import Passage
from schemas.ids import PoolName

LONGEST_S = 60.0


async def run_math(config: RunConfig, passages: Sequence[Passage], solver: Generator, ledger: MemoryLedger) -> None:
    """The run's whole life, from the corpus to the last order's and the last credit's end."""
    service = queue_service(config, ledger, now=time.time)
    gates = inside_gates(config.gates)
    try:
        await service.offer(passages)
        await service.corpus_ended(documents=len(passages), passages=len(passages))
        conductor = Conductor(
            toolbox(config, InProcessOrders(service), {PoolName("generator"): solver}, dict(gates)),
            conductor_settings(config, "c"),
            clock=time.time,
            sleep=asyncio.sleep,
            random=Random(0),
        )
        await asyncio.wait_for(conductor.run(), LONGEST_S)
        assert service.snapshot().unaccounted == 0
    finally:
        for gate in gates.values():
            if isinstance(gate, VerifierGate):
                gate.close()
        await service.close()
