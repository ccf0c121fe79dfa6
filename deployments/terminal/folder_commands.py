"""The commands that are given a run's folder. Law: as in `deployments.cli`, which has them as its own."""

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from deployments.terminal.boundary import FAILED, boundary
from deployments.terminal.options import CodeOf, Critical, Execute, Folder, Format, Json, Network, ReaderOf, Splits

folders = typer.Typer()


@folders.command()
def end(folder: Folder, config: CodeOf = None, json: Json = False) -> None:
    """End a run on purpose: what is in flight still counts, the rest is not needed. Works while it runs, too."""
    with boundary(folder / "logs"):
        from deployments.build.own_code import may_lie_here
        from deployments.terminal.ending import show_end

        may_lie_here()
        show_end(folder, config, json=json)


@folders.command()
def fetch(
    source: Annotated[str, typer.Argument(metavar="s3://BUCKET/PREFIX", help="A run in a store.", show_default=False)],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.", show_default=False)],
) -> None:
    """Bring a run down from an object store, to read it; works while it runs."""
    with boundary():
        from deployments.terminal.remote import show_fetched

        show_fetched(source, folder)


@folders.command()
def drain(folder: Folder, json: Json = False) -> None:
    """Stop a run so that it can go on: what is in flight ends, and the same `gleaner run` takes it up again."""
    with boundary(folder / "logs"):
        from deployments.terminal.draining import show_drain

        show_drain(folder, json=json)


@folders.command()
def status(folder: Folder, json: Json = False) -> None:
    """How far a run is, from its ledger alone; works while it runs."""
    with boundary():
        from deployments.terminal.reading import show_status

        show_status(folder, json=json)


@folders.command()
def page(
    folder: Folder,
    beside: Annotated[
        Path | None,
        typer.Option("--beside", metavar="DIR", help="Another run's folder, to compare with.", show_default=False),
    ] = None,
    host: Annotated[
        str,
        typer.Option("--host", metavar="ADDRESS", help="Where it listens; beyond loopback with a token."),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="0: any free one.  [default: 9465 if it is free]", show_default=False
        ),
    ] = None,
    token: Annotated[
        bool, typer.Option("--token", help="Ask for a token on loopback too: other users share this machine.")
    ] = False,
) -> None:
    """A run on a live page: flow, gates, cost, its samples to read and to label; works while it runs."""
    with boundary():
        from deployments.page.serve import ListenAt, serve
        from deployments.terminal.boundary import say
        from deployments.terminal.reading import run_folder

        place = ListenAt(host, port, token)
        others = None if beside is None else run_folder(beside)
        serve(run_folder(folder), others, place, lambda address: say(f"page at {address} (Ctrl-C ends it)"))


@folders.command()
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


@folders.command()
def policy(folder: Folder, json: Json = False) -> None:
    """What each repair is worth by failure mode, and what other policies would have come to; from the ledger alone."""
    with boundary():
        from deployments.terminal.policy import show_policy

        show_policy(folder, json=json)


@folders.command()
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


@folders.command()
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


@folders.command()
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


@folders.command()
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


@folders.command()
def export(  # noqa: PLR0913 - a command's options are its parameters
    folder: Folder,
    format: Annotated[Format, typer.Option("--format", help="What a row teaches.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PATH", help="A new folder.  [default: DIR/exports/FORMAT]"),
    ] = None,
    split: Splits = None,
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


@folders.command()
def push(  # noqa: PLR0913 - a command's options are its parameters
    folder: Folder,
    repo: Annotated[
        str, typer.Argument(metavar="ORG/NAME", help="The dataset; made where it does not exist.", show_default=False)
    ],
    split: Splits = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the splits.")] = 0,
    public: Annotated[
        bool, typer.Option("--public", help="A dataset that is made can be seen by all.  [default: private]")
    ] = False,
    branch: Annotated[str, typer.Option("--branch", metavar="NAME", help="The branch that gets the commit.")] = "main",
    license: Annotated[
        str | None,
        typer.Option("--license", metavar="ID", help="The dataset's licence, such as cc-by-4.0.", show_default=False),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where the dataset holds another run, or other splits.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent; send nothing.")] = False,
    json: Json = False,
) -> None:
    """Bring samples to the Hugging Face Hub as a dataset with a card; again: what is new. Works while it runs."""
    with boundary():
        from actors.exports.splits import splits_of
        from deployments.terminal.pushing import show_push
        from schemas.pushes import PushRequest

        asked = PushRequest(
            repo=repo,
            branch=branch,
            public=public,
            splits=splits_of(split or []),
            seed=seed,
            license=license,
            replace=replace,
        )
        show_push(folder, asked, dry_run=dry_run, json=json)


@folders.command()
def report(folder: Folder, json: Json = False) -> None:
    """Write the run's report.html again."""
    with boundary():
        from deployments.terminal.reading import write_report

        write_report(folder, now=time.time(), json=json)
