"""The command line: its commands that are given a configuration, or code of yours; `terminal.folder_commands` has those
that are given a run's folder. Light: Ray, torch and the models are imported inside the commands that need them.

Law: with --json, stdout holds one JSON document (`samples`: one a line), nothing else; words for a person go to stderr.
"""

from pathlib import Path
from typing import Annotated

import typer

from deployments.terminal.boundary import COMMAND, MISTAKEN, boundary
from deployments.terminal.first_contact import register
from deployments.terminal.folder_commands import folders
from deployments.terminal.options import (
    Changed,
    Json,
    MetricsHost,
    MetricsPort,
    More,
    Page,
    ProfileStart,
    RunFile,
    SeamName,
    Strict,
    Work,
)

app = typer.Typer(
    name="gleaner",
    help="Grounded synthetic training data as a stream: every claim backed by its exact passage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
register(app)


def main() -> None:
    """The console script."""
    app()


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # a fifth of what `--help` takes

        typer.echo(f"gleaner {version('gleaner')}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    COMMAND.set(context.invoked_subcommand)


@app.command()
def run(  # noqa: PLR0913 - a command's options are its parameters
    config: RunFile,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="DIR", help="The run's folder, or s3://BUCKET/PREFIX; an unfinished run goes on."
        ),
    ],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the summary.")] = False,
    json: Json = False,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = None,
    changed: Changed = "skip",
    strict: Strict = False,
    more: More = None,
    profile_start: ProfileStart = False,
    work: Work = None,
    page: Page = False,
) -> None:
    """Run a configuration into a folder. Again on the same folder: it goes on where it ended."""
    with boundary(Path(output, "logs")):
        from actors.queue.preflight import LaunchTerms
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.remote import opened
        from deployments.terminal.running import Display, run_watched
        from schemas.firsts import Preflight

        may_lie_here()
        terms = LaunchTerms(changed, Preflight.STOP if strict else Preflight.TELL, more)
        shown = Display(quiet=quiet, json=json, start=profile_start, page=page)
        with opened(output, work, config) as place:
            ended = run_watched(config, place, shown, terms, metrics_port=metrics_port, metrics_host=metrics_host)
        raise typer.Exit(ended)


@app.command()
def preview(
    config: RunFile,
    samples: Annotated[int, typer.Option("-n", "--samples", min=1, max=100, help="How many samples.")] = 5,
    json: Json = False,
) -> None:
    """A few samples with their prompts, verdicts, diagnoses and repairs. Writes nothing."""
    with boundary():
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.preview import preview as show

        may_lie_here()
        show(config, samples=samples, json=json)


@app.command()
def plan(
    config: RunFile,
    like: Annotated[
        Path | None,
        typer.Option("--like", metavar="DIR", help="A run's folder: reckon with its acceptance, calls and tokens too."),
    ] = None,
    json: Json = False,
) -> None:
    """What a run will take: documents, orders, calls, tokens, cost. Asks no model and writes nothing."""
    with boundary():
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.planning import show_plan

        may_lie_here()
        show_plan(config, like, json=json)


@app.command()
def models(
    config: RunFile,
    role: Annotated[
        str | None, typer.Option("--role", metavar="NAME", help="One pool or gate alone.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Load each model of a run by itself: what it is, its template, a call of it, how fast it is. Writes nothing."""
    with boundary():
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.models import show_models

        may_lie_here()
        if not show_models(config, role, json=json):
            raise typer.Exit(MISTAKEN)


@app.command()
def audit(
    config: RunFile,
    gate: Annotated[
        str, typer.Option("--gate", metavar="NAME", help="The gate to measure, by its name.", show_default=False)
    ],
    labelled: Annotated[
        Path, typer.Option("--labelled", metavar="FILE", help="JSON lines with labels.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Measure a gate of a configuration on labelled rows: agreement, precision, recall, with intervals."""
    with boundary():
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.auditing import show_audit
        from schemas.verdicts import GateName

        may_lie_here()
        show_audit(config, GateName(gate), labelled, json=json)


@app.command()
def check(  # noqa: PLR0913 - a command's options are its parameters
    target: Annotated[
        str,
        typer.Argument(
            metavar="CODE",
            help="module:function, module:Class; or `task`, the name of a gate, a repair or a suffix, with --config.",
            show_default=False,
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="RUN.yaml", help="The configuration that has it."),
    ] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option("--mode", metavar="M", help="A failure mode that a gate's rejections may carry; again for more."),
    ] = None,
    reply: Annotated[
        Path | None,
        typer.Option("--reply", metavar="FILE", help="A completion that the task should read as a draft, as a text."),
    ] = None,
    sample: Annotated[
        Path | None, typer.Option("--sample", metavar="FILE", help="A file that the reader should read.")
    ] = None,
    draft: Annotated[
        Path | None,
        typer.Option("--draft", metavar="FILE", help="The fields that a gate should judge, as JSON: texts by name."),
    ] = None,
    seam: Annotated[SeamName | None, typer.Option("--as", help="What it is, where that cannot be seen.")] = None,
    json: Json = False,
) -> None:
    """Check that code of yours (gate, task, repair, reader, sink) keeps to what every one of its kind must."""
    with boundary():
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.conformance import Asked, show_check
        from schemas.conformance import Seam

        may_lie_here()
        asked = Asked(target, config, tuple(mode or ()), reply, None if seam is None else Seam(seam), sample, draft)
        if not show_check(asked, json=json):
            raise typer.Exit(MISTAKEN)


@app.command()
def new(
    kind: Annotated[SeamName, typer.Argument(metavar="KIND", help="task, gate, repair, reader or sink.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the module, such as own_words.")],
    json: Json = False,
) -> None:
    """Write the files of a task, gate, repair, reader or sink of yours: its code, its test, a run of it."""
    with boundary():
        from deployments.terminal.scaffold import show_new
        from schemas.conformance import Seam

        show_new(Seam(kind), name, Path.cwd(), json=json)


app.add_typer(folders)


if __name__ == "__main__":
    main()
