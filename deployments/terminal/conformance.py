"""`gleaner check`: whether what a user brings keeps to what every one of its kind must. Law: a failure is the author's,
with exit code 2. What the configuration names as a repair, a reader or a sink is one, and so is what its types say;
what has an `attempt` is a task, and `task` is the configuration's; all else is a gate, unless `--as` says otherwise."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from msgspec.structs import replace
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from actors.gates.conformance import SAMPLE, Subject, examine
from actors.gates.own import OwnSettings
from actors.protocols import Task
from actors.tasks.conformance import TaskSubject
from actors.tasks.conformance import examine as examine_task
from actors.tasks.prompted import PromptedTask
from deployments.build.gates import function_gate
from deployments.build.own_code import factory_of
from deployments.build.tasks import build_task, own_task
from deployments.config.load import load
from deployments.local.gates import LocalPools, local_gate
from deployments.terminal.brought import Asked, CheckedCode, named_seam, of_reader, of_repair, of_sink, seen_seam
from deployments.terminal.checked_draft import given_sample, made_up_sample
from deployments.terminal.parts import BAD, DIM, GOOD, WARN
from deployments.terminal.reading import as_builtins, put_json
from deployments.terminal.screen import Screen
from deployments.terminal.words import plural, printable
from schemas.config import RunConfig
from schemas.config_gates import brought_modes, is_function
from schemas.config_tasks import CustomTask
from schemas.conformance import CheckOutcome, Seam
from schemas.errors import ConfigError, UserError, ungrouped
from schemas.ids import PoolName
from schemas.recovery import KNOWN_MODES, FailureMode
from schemas.samples import Completion, FinishReason, GenerationRequest
from schemas.verdicts import GateName

STAND_IN = "I am a stand-in and know nothing."
"""What a gate hears that asks a model where there is none."""
RUN_TASK = "task"
"""Names the task of the given configuration, whatever its kind."""
_STYLES = {CheckOutcome.PASSED: GOOD, CheckOutcome.FAILED: BAD, CheckOutcome.NOTED: WARN}


def show_check(asked: Asked, *, json: bool) -> bool:
    """Checks and shows; whether nothing failed. Raises UserError for a gate or a task that cannot be found."""
    with ungrouped():
        found = asyncio.run(_checked(asked))
    if json:
        put_json(as_builtins(found))
    else:
        Screen().print(check_view(found))
    return not found.failed


def check_view(found: CheckedCode) -> RenderableType:
    """A line for each check."""
    lines = [Text.assemble(("gleaner check ", "bold"), (printable(found.checked), "bold cyan")), Text()]
    for each in found.findings:
        detail = f": {printable(' '.join(each.detail.split()))}" if each.detail else ""
        lines.append(Text.assemble((f"{each.outcome.value:8}", _STYLES[each.outcome]), f"{each.check}{detail}"))
    failed = f"{plural(found.failed, 'check')} failed" if found.failed else "nothing failed"
    lines += [Text(), Text(f"{plural(len(found.findings), 'check')}, {failed}", style=BAD if found.failed else DIM)]
    return Padding(Group(*lines), (1, 1))


async def _checked(asked: Asked) -> CheckedCode:
    config = None if asked.config is None else load(asked.config)
    seen = seen_seam(asked.target) if is_function(asked.target) else None
    seam = asked.seam or named_seam(asked.target, config) or seen
    task = _task(asked.target, config) if seam in (None, Seam.TASK) else None
    if asked.draft is not None and (task is not None or seam not in (None, Seam.GATE)):
        raise UserError(f"--draft is for a gate; {asked.target} is none: name it by --as gate, if it is")
    match seam:
        case Seam.REPAIR:
            return await of_repair(asked, config)
        case Seam.READER:
            return await of_reader(asked, config)
        case Seam.SINK:
            return await of_sink(asked, config)
    if task is None and asked.seam is Seam.TASK:
        raise UserError(f"{asked.target}: there is no task of this name: it has no `attempt` (docs/tasks/own.md)")
    if task is not None:
        reply = _reply(asked.reply) or (task.specimen() if isinstance(task, PromptedTask) else "")
        pools = None if config is None else tuple(map(PoolName, config.pools))
        return CheckedCode(asked.target, tuple(await examine_task(TaskSubject(task, reply, pools))))
    if asked.reply is not None:
        raise UserError(f"--reply is for a task; {asked.target} is none: it has no `attempt` (docs/tasks/own.md)")
    if config is None:
        return await _of_function(asked)
    return await _of_run(asked, config)


def _task(target: str, config: RunConfig | None) -> Task | None:
    """The task that it names, made as a run makes it; None for what is none. Raises ConfigError."""
    if target == RUN_TASK and config is not None and target not in config.gates:
        return build_task(config)
    if not is_function(target):
        return None
    if config is not None and isinstance(config.task, CustomTask) and config.task.task == target:
        return own_task(config.task)
    try:
        there = factory_of(target)
    except (ImportError, AttributeError):
        return None  # the gate's words for it are good ones
    if not hasattr(there, "attempt"):
        return None
    if config is not None:
        raise ConfigError(f"task.task: this run's is not {target}")
    return own_task(CustomTask(task=target))


def _reply(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"--reply {path}: {error}") from error


async def _of_function(asked: Asked) -> CheckedCode:
    target = asked.target
    if not is_function(target):
        raise UserError(f"{target}: give module:function, module:Class, or a gate's name with --config RUN.yaml")
    known = tuple(FailureMode(mode) for mode in asked.modes)
    gate = function_gate(OwnSettings(GateName("checked"), modes=known), target, {})
    sample = SAMPLE if asked.draft is None else given_sample(asked.draft, None)
    return await _of_gate(asked, target, Subject(gate, _stand_in, sample, (*KNOWN_MODES, *known)))


async def _of_run(asked: Asked, config: RunConfig) -> CheckedCode:
    async with AsyncExitStack() as stack:
        sample = await made_up_sample(config) if asked.draft is None else given_sample(asked.draft, config)
        gate = await local_gate(stack, config, GateName(asked.target))
        known = (*KNOWN_MODES, *brought_modes(config.gates))
        subject = Subject(gate, LocalPools(stack, config), sample, known)
        return await _of_gate(asked, f"{asked.config}: gates.{asked.target}", subject)


async def _of_gate(asked: Asked, checked: str, subject: Subject) -> CheckedCode:
    plain, *others = await examine(subject)
    if plain.outcome is CheckOutcome.FAILED and asked.draft is None:
        plain = replace(plain, detail=f"{plain.detail} (the draft was made up; give one of yours: --draft FILE)")
    return CheckedCode(checked, (plain, *others))


async def _stand_in(pool: PoolName, request: GenerationRequest) -> Completion:
    return Completion(request.id, STAND_IN, FinishReason.STOP, prompt_tokens=1, completion_tokens=1)
