"""Measures a run's gate on a labelled file: the same gate, retried by the same rules as in the run.

Law: rows are judged in the file's order, a limited number at once. A verdict that does not come is an error of its row.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from hashlib import sha256
from pathlib import Path

from actors.calls.clocks import Clocks
from actors.calls.retry import CalledPool
from actors.calls.trials import judgement
from actors.probes.agreement import Measured, agreement
from actors.probes.labelled import Labelled, distinct, labelled_rows
from actors.protocols import Ask, AskingGate, Gate
from deployments.build.wiring import conductor_random, conductor_settings
from deployments.local.gates import LocalPools, local_gate
from schemas.config import Math, RunConfig
from schemas.config_cascade import Cascade
from schemas.config_gates import GateModel, kind_of
from schemas.errors import HopError, UserError, ungrouped
from schemas.gate_audit import GateAudit
from schemas.samples import Heard
from schemas.verdicts import VERIFIER, Errored, GateName, Verdict

AT_ONCE = 64
"""How many rows are judged at the same time."""


async def audit_gate(config: RunConfig, gate: GateName, labelled: Path) -> GateAudit:
    """Measures a gate of the run. Raises UserError for a file, a row or a gate that cannot be used, and
    PoolAwayError when the gate answers nothing for `conductors.outage_s`."""
    data = _read(labelled)
    given = list(labelled_rows(iter(data.splitlines()), _form_of_rows(config, gate), str(labelled)))
    rows = distinct(given)
    if not rows:
        raise UserError(f"{labelled}: holds no rows")
    async with AsyncExitStack() as stack:
        asked = await local_gate(stack, config, gate)
        began = time.monotonic()
        verdicts = await _Audit(config, gate, asked, LocalPools(stack, config)).verdicts(rows)
        seconds = time.monotonic() - began
    measured = Measured(gate, labelled.name, sha256(data).hexdigest(), seconds, repeated=len(given) - len(rows))
    return agreement(measured, rows, verdicts)


def _form_of_rows(config: RunConfig, name: GateName) -> GateName:
    """The usual gate whose form the file's rows have. Math gates other than judges have problems and solutions; others
    have passages, questions and answers."""
    gate = config.gates.get(name)
    if gate is None or isinstance(gate, GateModel | Cascade):
        return name if gate is None else kind_of(name, gate)
    return VERIFIER if isinstance(config.task, Math) else name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error


class _Audit:
    def __init__(self, config: RunConfig, name: GateName, gate: Gate, ask: Ask) -> None:
        self._name = name
        self._check = partial(gate.check_asking, ask=ask) if isinstance(gate, AskingGate) else gate.check
        settings = conductor_settings(config, "audit")
        random = conductor_random(config, "audit")
        self._pool: CalledPool[Verdict] = CalledPool(
            name, settings.limits, settings.health, clocks=Clocks(), sleep=asyncio.sleep, random=random
        )
        self._room = asyncio.Semaphore(AT_ONCE)

    async def verdicts(self, rows: Sequence[Labelled]) -> list[Verdict]:
        with ungrouped():
            return await self._at_once(rows)

    async def _at_once(self, rows: Sequence[Labelled]) -> list[Verdict]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._judged(row)) for row in rows]
        return [task.result() for task in tasks]

    async def _judged(self, row: Labelled) -> Verdict:
        async with self._room:
            try:
                request = row.request
                return await self._pool.ask(
                    lambda this: self._check(judgement(request, this)), (request.passage.id, request.draft)
                )
            except HopError as error:
                heard = Heard((), "") if error.heard is None else error.heard
                return Errored(self._name, error.kind, error.detail, heard.cost, heard.asked, heard.said)
