"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from deployments.storage.address import is_address
from deployments.terminal.boundary import MISTAKEN, say

RunFile = Annotated[Path, typer.Argument(metavar="RUN.yaml", help="The run's configuration.", show_default=False)]


def _on_this_machine(folder: Path) -> Path:
    if is_address(folder):
        fetch = "`gleaner fetch s3://BUCKET/PREFIX DIR` brings a run down to read"
        say(f"error: {folder}: is not on this machine; {fetch} (docs/storage.md#reading-it)")
        raise typer.Exit(MISTAKEN)
    return folder


Folder = Annotated[
    Path,
    typer.Argument(metavar="DIR", help="A run's output folder.", show_default=False, callback=_on_this_machine),
]
Work = Annotated[
    Path | None,
    typer.Option(
        "--work",
        metavar="DIR",
        help="Where a run with --output s3://… lies on this machine.  [default: in the user's cache]",
        show_default=False,
    ),
]
Format = Literal[
    "sft", "dpo", "dpo_ranked", "kto", "hard_negatives", "rft", "dpo_steps", "dpo_prefix", "stepwise", "advantages"
]
SeamName = Literal["task", "gate", "repair", "reader", "sink"]
CodeOf = Annotated[
    Path | None,
    typer.Option("--config", metavar="RUN.yaml", help="The run's configuration: where its task is code of your own."),
]
Network = Annotated[
    bool, typer.Option("--network", help="Read the corpus again also from the servers that run.yaml names.")
]
ReaderOf = Annotated[
    Path | None,
    typer.Option("--config", metavar="RUN.yaml", help="The run's configuration: where a reader is code of yours."),
]
Execute = Annotated[
    bool, typer.Option("--execute", help="Execute the programs of all accepted rows again, in the sandbox.")
]
Splits = Annotated[
    list[str] | None,
    typer.Option(
        "--split",
        metavar="NAME=SHARE",
        help="A split of so many of the documents; again for more; the rest: train.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
MetricsPort = Annotated[
    int | None,
    typer.Option(
        "--metrics-port",
        metavar="PORT",
        min=0,
        max=65535,
        help="Port of /metrics, /ready and /live; 0: any free one.  [default: 9464 if it is free]",
        show_default=False,
    ),
]
MetricsHost = Annotated[
    str | None,
    typer.Option(
        "--metrics-host",
        metavar="ADDRESS",
        help="Where they listen: without a password; 0.0.0.0 for a cluster's Prometheus.  [default: loopback alone]",
        show_default=False,
    ),
]
Changed = Annotated[
    Literal["skip", "new"],
    typer.Option(
        "--changed",
        help="Of documents that have changed since their passages were planned: plan nothing more, or the passages "
        "of the new version that are new.",
    ),
]
Page = Annotated[bool, typer.Option("--page", help="Show the run on a page of this machine's loopback while it lasts.")]
Critical = Annotated[
    float | None,
    typer.Option(
        "--critical",
        metavar="LOSS",
        min=0.01,
        max=1.0,
        show_default=False,
        help="In dpo_steps also steps before the first pit that lose so much.",
    ),
]
More = Annotated[
    int | None,
    typer.Option(
        "--more", metavar="N", min=1, help="A finished run goes on to N more accepted samples.", show_default=False
    ),
]
ProfileStart = Annotated[
    bool, typer.Option("--profile-start", help="Show where the seconds to the first accepted sample went.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop where the first calls show that the run must fail.")]
