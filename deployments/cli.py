"""The command line. Light: Ray, torch and the models are imported inside the commands that need them.

Law: with --json, stdout holds one JSON document and nothing else; what is meant for a person goes to stderr.
"""

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from deployments.terminal.boundary import FAILED, MISTAKEN, boundary
from deployments.terminal.options import (
    Changed,
    CodeOf,
    Critical,
    Execute,
    Folder,
    Format,
    Json,
    MetricsPort,
    More,
    Network,
    ReaderOf,
    RunFile,
    SeamName,
    Strict,
)

app = typer.Typer(
    name="gleaner",
    help="Grounded synthetic training data as a stream: every claim backed by its exact passage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def run(  # noqa: PLR0913 - a command's options are its parameters
    config: RunFile,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="The run's folder; an unfinished run in it goes on.")
    ],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the summary.")] = False,
    json: Json = False,
    metrics_port: MetricsPort = None,
    changed: Changed = "skip",
    strict: Strict = False,
    more: More = None,
) -> None:
    """Run a configuration into a folder. Again on the same folder: it goes on where it ended."""
    with boundary(output / "logs"):
        from actors.queue.preflight import LaunchTerms
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.running import run_watched
        from schemas.firsts import Preflight

        may_lie_here()
        terms = LaunchTerms(changed, Preflight.STOP if strict else Preflight.TELL, more)
        ended = run_watched(config, output, quiet=quiet, json=json, metrics_port=metrics_port, terms=terms)
        raise typer.Exit(ended)


@app.command()
def end(folder: Folder, config: CodeOf = None, json: Json = False) -> None:
    """End a run on purpose: what is in flight still counts, the rest is not needed. Works while it runs, too."""
    with boundary(folder / "logs"):
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.ending import show_end

        may_lie_here()
        show_end(folder, config, json=json)


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
def status(folder: Folder, json: Json = False) -> None:
    """How far a run is, from its ledger alone; works while it runs."""
    with boundary():
        from deployments.terminal.reading import show_status

        show_status(folder, json=json)


@app.command()
def explain(
    folder: Folder,
    order_id: Annotated[str, typer.Argument(metavar="ORDER_ID", help="An order's id, or how it begins.")],
    prompts: Annotated[bool, typer.Option("--prompts", help="Show each attempt's prompt too.")] = False,
    json: Json = False,
) -> None:
    """One sample's life: its passage, every attempt, verdict, diagnosis and repair, and its end."""
    with boundary():
        from deployments.terminal.reading import show_life

        show_life(folder, order_id, prompts=prompts, json=json)


@app.command()
def policy(folder: Folder, json: Json = False) -> None:
    """What each repair is worth by failure mode, and what other policies would have come to; from the ledger alone."""
    with boundary():
        from deployments.terminal.policy import show_policy

        show_policy(folder, json=json)


@app.command()
def verify(
    folder: Folder,
    network: Network = False,
    execute: Execute = False,
    config: ReaderOf = None,
    json: Json = False,
) -> None:
    """Prove from the files alone: every order ended once, every passage is exact, every checksum holds."""
    with boundary():
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.proof import show_verification

        may_lie_here()
        if not show_verification(folder, config, network=network, execute=execute, json=json):
            raise typer.Exit(FAILED)


@app.command()
def repair(
    folder: Folder,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be set aside; write nothing.")] = False,
    config: CodeOf = None,
    json: Json = False,
) -> None:
    """Set aside records that keep a folder from being opened; the ledger as it was is kept beside it."""
    with boundary():
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.repairing import show_repair

        may_lie_here()
        show_repair(folder, config, dry_run=dry_run, json=json)


@app.command()
def replay(  # noqa: PLR0913 - a command's options are its parameters
    folder: Folder,
    reason: Annotated[
        list[str] | None,
        typer.Option("--reason", metavar="R", help="Only those that ended for this reason; again for more."),
    ] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option("--mode", metavar="M", help="Only those last diagnosed as this failure mode; again for more."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="RUN.yaml", help="The changed configuration, from now on the folder's own."),
    ] = None,
    rescore: Annotated[
        bool,
        typer.Option(
            "--rescore",
            help="Ask no model: accept those whose last attempt passes changed thresholds by the scores it has.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be put back; write nothing.")] = False,
    json: Json = False,
) -> None:
    """Put dead letters back as open orders, with their history; the next `gleaner run` goes on with them."""
    with boundary():
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.replaying import show_replay, show_rescoring, wanted

        may_lie_here()
        show = show_rescoring if rescore else show_replay
        show(folder, wanted(folder, reason or [], mode or []), config, dry_run=dry_run, json=json)


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
    seam: Annotated[SeamName | None, typer.Option("--as", help="What it is, where that cannot be seen.")] = None,
    json: Json = False,
) -> None:
    """Check that code of yours (gate, task, repair, reader, sink) keeps to what every one of its kind must."""
    with boundary():
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.conformance import Asked, show_check
        from schemas.conformance import Seam

        may_lie_here()
        asked = Asked(target, config, tuple(mode or ()), reply, None if seam is None else Seam(seam), sample)
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


@app.command()
def calibrate(
    folder: Folder,
    gate: Annotated[
        str, typer.Option("--gate", metavar="NAME", help="The gate to find a threshold for.", show_default=False)
    ],
    precision: Annotated[
        float, typer.Option("--precision", metavar="P", help="Share of what passes that should be good.")
    ] = 0.95,
    bad_share: Annotated[
        float | None,
        typer.Option(
            "--bad-share",
            metavar="S",
            help="Share of what reaches the gate that is bad.  [default: estimated]",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Propose a threshold from the scores that probes got, with what it guarantees; refuse where they are too few."""
    with boundary():
        from actors.probes.threshold import ThresholdRequest
        from deployments.terminal.calibrating import show_calibration
        from schemas.verdicts import GateName

        show_calibration(folder, GateName(gate), ThresholdRequest(precision, bad_share), json=json)


@app.command()
def export(  # noqa: PLR0913 - a command's options are its parameters
    folder: Folder,
    format: Annotated[Format, typer.Option("--format", help="What a row teaches.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PATH", help="A new folder.  [default: DIR/exports/FORMAT]"),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            "--split",
            metavar="NAME=SHARE",
            help="A split of so many of the documents; again for more; the rest: train.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of splits, and of choices among equals.")] = 0,
    view: Annotated[
        Literal["answer", "sample"], typer.Option("--view", help="Train who answers, or who writes samples.")
    ] = "answer",
    form: Annotated[
        Literal["messages", "text"], typer.Option("--form", help="Chat messages, or plain text.")
    ] = "messages",
    files: Annotated[Literal["parquet", "jsonl"], typer.Option("--files", help="How rows are stored.")] = "parquet",
    per_problem: Annotated[
        int, typer.Option("--per-problem", metavar="K", min=1, max=1000, help="Solutions of a problem, in rft.")
    ] = 4,
    critical: Critical = None,
    config: CodeOf = None,
    json: Json = False,
) -> None:
    """Write a run's lives as training signal in TRL's columns: sft, dpo, kto and more, each row with its lineage."""
    with boundary():
        from actors.exports.splits import splits_of
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.exporting import show_export
        from schemas.exports import ExportFormat, ExportRequest, FileKind, Form, View

        asked = ExportRequest(
            format=ExportFormat(format),
            view=View(view),
            form=Form(form),
            files=FileKind(files),
            splits=splits_of(split or []),
            seed=seed,
            per_problem=per_problem,
            critical=critical,
        )
        may_lie_here()
        show_export(folder, asked, output, config, now=time.time(), json=json)


@app.command()
def report(folder: Folder, json: Json = False) -> None:
    """Write the run's report.html again."""
    with boundary():
        from deployments.terminal.reading import write_report

        write_report(folder, now=time.time(), json=json)


if __name__ == "__main__":
    main()
