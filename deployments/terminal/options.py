"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated, Literal

import typer

RunFile = Annotated[Path, typer.Argument(metavar="RUN.yaml", help="The run's configuration.", show_default=False)]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A run's output folder.", show_default=False)]
Format = Literal["sft", "dpo", "kto", "hard_negatives", "rft", "dpo_steps", "dpo_prefix", "stepwise", "advantages"]
SeamName = Literal["task", "gate", "repair", "reader", "sink"]
CodeOf = Annotated[
    Path | None,
    typer.Option("--config", metavar="RUN.yaml", help="The run's configuration: where its task is code of your own."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
