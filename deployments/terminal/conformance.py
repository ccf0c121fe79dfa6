"""`gleaner check`: whether a gate keeps to what every gate must. Law: a failure is the author's, with exit code 2."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from msgspec import Struct
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from actors.gates.conformance import Subject, examine
from actors.gates.own import OwnSettings
from deployments.build.gates import function_gate
from deployments.config.load import load
from deployments.local.gates import LocalPools, local_gate
from deployments.terminal.parts import BAD, DIM, GOOD, WARN
from deployments.terminal.reading import as_builtins, put_json
from deployments.terminal.screen import Screen
from deployments.terminal.words import plural, printable
from schemas.config_gates import brought_modes, is_function
from schemas.conformance import CheckFinding, CheckOutcome
from schemas.errors import UserError, ungrouped
from schemas.ids import PoolName
from schemas.recovery import KNOWN_MODES, FailureMode
from schemas.samples import Completion, FinishReason, GenerationRequest
from schemas.verdicts import GateName

STAND_IN = "I am a stand-in and know nothing."
"""What a gate hears that asks a model where there is none."""
_STYLES = {CheckOutcome.PASSED: GOOD, CheckOutcome.FAILED: BAD, CheckOutcome.NOTED: WARN}


class CheckedGate(Struct, frozen=True):
    """What was checked, and what was found."""

    checked: str
    findings: tuple[CheckFinding, ...]

    @property
    def failed(self) -> int:
        return sum(each.outcome is CheckOutcome.FAILED for each in self.findings)


def show_check(target: str, config: Path | None, modes: Sequence[str], *, json: bool) -> bool:
    """Checks and shows; whether nothing failed. Raises UserError for a gate that cannot be found."""
    with ungrouped():
        found = asyncio.run(_of_run(target, config) if config is not None else _of_function(target, modes))
    if json:
        put_json(as_builtins(found))
    else:
        Screen().print(check_view(found))
    return not found.failed


def check_view(found: CheckedGate) -> RenderableType:
    """A line for each check."""
    lines = [Text.assemble(("gleaner check ", "bold"), (printable(found.checked), "bold cyan")), Text()]
    for each in found.findings:
        detail = f": {printable(' '.join(each.detail.split()))}" if each.detail else ""
        lines.append(Text.assemble((f"{each.outcome.value:8}", _STYLES[each.outcome]), f"{each.check}{detail}"))
    failed = f"{plural(found.failed, 'check')} failed" if found.failed else "nothing failed"
    lines += [Text(), Text(f"{plural(len(found.findings), 'check')}, {failed}", style=BAD if found.failed else DIM)]
    return Padding(Group(*lines), (1, 1))


async def _of_function(target: str, modes: Sequence[str]) -> CheckedGate:
    if not is_function(target):
        raise UserError(f"{target}: give module:function, or a gate's name with --config RUN.yaml")
    known = tuple(FailureMode(mode) for mode in modes)
    gate = function_gate(OwnSettings(GateName("checked"), modes=known), target, {})
    return CheckedGate(target, tuple(await examine(Subject(gate, _stand_in, modes=(*KNOWN_MODES, *known)))))


async def _of_run(name: str, path: Path) -> CheckedGate:
    config = load(path)
    async with AsyncExitStack() as stack:
        gate = await local_gate(stack, config, GateName(name))
        known = (*KNOWN_MODES, *brought_modes(config.gates))
        findings = await examine(Subject(gate, LocalPools(stack, config), modes=known))
    return CheckedGate(f"{path}: gates.{name}", tuple(findings))


async def _stand_in(pool: PoolName, request: GenerationRequest) -> Completion:
    return Completion(request.id, STAND_IN, FinishReason.STOP, prompt_tokens=1, completion_tokens=1)
