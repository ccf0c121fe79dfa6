"""Commands of the first hour: look at a run's samples, write a run's YAML, look at the machine, compare two runs.

Light, as `deployments.cli`: what a command needs is imported inside it.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from deployments.terminal.boundary import FAILED, boundary
from deployments.terminal.options import Folder, Json
from schemas.errors import UserError


def register(app: typer.Typer) -> None:
    """Adds the commands of this module to the program."""
    app.command()(init)
    app.command()(samples)
    app.command()(doctor)
    app.command()(compare)


def init(  # noqa: PLR0913 - a command's options are its parameters
    file: Annotated[Path, typer.Argument(metavar="[RUN.yaml]", help="The file to write.")] = Path("run.yaml"),
    documents: Annotated[
        str | None, typer.Option("--documents", metavar="PATH", help="A folder or a file; s3://… and others, too.")
    ] = None,
    make: Annotated[
        Literal["questions", "rewriting", "preference", "math"] | None,
        typer.Option("--make", help="What is made of each passage.  [default: questions]", show_default=False),
    ] = None,
    engine: Annotated[
        Literal["here", "vllm", "server"] | None,
        typer.Option(
            "--engine",
            help="What runs the model: transformers here, vLLM here, a server.  [default: server]",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="org/name, a folder, or as the server calls it.")
    ] = None,
    base_url: Annotated[
        str, typer.Option("--base-url", metavar="URL", help="Of the server.")
    ] = "http://127.0.0.1:8000/v1",
    samples: Annotated[
        int | None,
        typer.Option("--samples", min=1, help="Accepted samples to end with.  [default: 1000]", show_default=False),
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="The run's folder.  [default: runs/NAME]")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
    json: Json = False,
) -> None:
    """Write a run's YAML, with comments, from five answers: asked for at a terminal, or given as options."""
    with boundary():
        from deployments.terminal.beginning import FromOptions, answers_of, show_init

        wanted = None if samples is None else str(samples)
        given = FromOptions(documents, make, engine, model, wanted, output, base_url)
        asks = sys.stdin.isatty() and not json
        answers = answers_of(given, file, partial(typer.prompt, err=True) if asks else None)
        show_init(file, answers, replace=overwrite, json=json)


def samples(  # noqa: PLR0913 - a command's options are its parameters
    folder: Folder,
    number: Annotated[int, typer.Option("-n", "--samples", min=1, max=1000, help="How many.")] = 10,
    accepted: Annotated[bool, typer.Option("--accepted", help="Accepted samples alone.")] = False,
    dead: Annotated[bool, typer.Option("--dead", help="Dead letters alone.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="Documents that could not be used.")] = False,
    mode: Annotated[
        str | None, typer.Option("--mode", metavar="M", help="Only those last diagnosed as this failure mode.")
    ] = None,
    repair: Annotated[
        str | None, typer.Option("--repair", metavar="R", help="Only those whose last attempt was made under it.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the choice: another seed, other samples.")] = 0,
    newest: Annotated[bool, typer.Option("--newest", help="The newest ones, not some at random.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout, nothing else there.")] = False,
) -> None:
    """Some samples to read: texts, source, scores, and why one was rejected; works while the run goes on."""
    with boundary():
        from actors.ledger.samples import EndKind
        from deployments.terminal.samples import Typed, show_samples

        if accepted + dead + refused > 1:
            raise UserError("--accepted, --dead and --refused: give one of them, or none for both ends")
        if refused and (mode or repair):
            raise UserError("--refused: documents have neither a --mode nor a --repair; give one or the other")
        end = EndKind.ACCEPTED if accepted else EndKind.DEAD_LETTERED if dead else None
        typed = Typed(number, end, refused, mode, repair, None if newest else seed)
        show_samples(folder, typed, json=json)


def doctor(
    config: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN.yaml]", help="Also what this configuration asks of the machine."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="The folder that the run is to write.")
    ] = None,
    json: Json = False,
) -> None:
    """What of this machine will trouble a run: builds, GPUs, memory, disks, ports, limits, Rays. Starts nothing."""
    with boundary():
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.doctor.view import show_doctor

        may_lie_here()
        if not show_doctor(config, output, json=json):
            raise typer.Exit(FAILED)


def compare(
    left: Annotated[Path, typer.Argument(metavar="DIR", help="A run's output folder.", show_default=False)],
    right: Annotated[Path, typer.Argument(metavar="DIR", help="Another's.", show_default=False)],
    json: Json = False,
) -> None:
    """Two runs side by side: yield, repairs, gates, calls and tokens, cost, and what was configured otherwise."""
    with boundary():
        from deployments.terminal.comparing import show_comparison

        show_comparison(left, right, json=json)
