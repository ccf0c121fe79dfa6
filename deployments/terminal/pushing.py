"""`gleaner push`: a run's samples to the Hugging Face Hub, and what a person reads of it."""

import time
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from deployments.hub.push import PushProgress, push
from deployments.terminal.boundary import say
from deployments.terminal.parts import DIM, columns, facts
from deployments.terminal.reading import as_builtins, put_json, run_folder
from deployments.terminal.screen import Screen
from deployments.terminal.words import plural, printable
from schemas.pushes import Pushed, PushEnd, PushRequest

EVERY_S = 5.0
"""How often it is told how far a push is."""
SHOWN = 12
"""Files that are named."""


def show_push(folder: Path, asked: PushRequest, *, dry_run: bool, json: bool) -> None:
    """Pushes, and shows what came of it. Raises UserError and HubAwayError."""
    pushed = push(run_folder(folder), asked, told=_Progress(), dry_run=dry_run)
    for line in notes(pushed, asked):
        say(line)
    if json:
        put_json(as_builtins(pushed))
        return
    Screen().print(push_view(pushed))


def notes(pushed: Pushed, asked: PushRequest) -> list[str]:
    """What a person may not expect, a line each."""
    lines = []
    if not pushed.created and pushed.private is not None and asked.public == pushed.private:
        is_now = "private" if pushed.private else "public"
        lines.append(f"{pushed.repo} is {is_now} and stays so; its settings on the Hub change that")
    if pushed.end is not PushEnd.PLANNED and not pushed.tagged:
        lines.append(
            f"the tag {pushed.revision[:12]}… names an earlier commit with the same manifest.json, and is not moved; "
            f"this one is {pushed.commit}"
        )
    return lines


def push_view(pushed: Pushed) -> RenderableType:
    """The splits, and what was or would be sent and removed."""
    head = Text.assemble(
        ("gleaner push ", "bold"), (printable(pushed.repo), "bold cyan"), f"  {_ended(pushed)}", overflow="fold"
    )
    splits = columns("split", "samples", "documents")
    for split in pushed.splits:
        splits.add_row(split.name, f"{split.rows:,}", f"{split.documents:,}")
    visible = {True: "private", False: "public", None: "visibility unknown"}[pushed.private]
    known: list[tuple[str, Text | str]] = [("dataset", f"{pushed.url} ({visible})")]
    known += [("branch", pushed.branch)] if pushed.branch != "main" else []
    known += [(_verb(pushed, "send", "sent"), Text(_listed(pushed.add)))] if pushed.add else []
    known += [("size", f"{pushed.bytes / 1e6:,.1f} MB at most")] if pushed.add else []
    known += [(_verb(pushed, "remove", "removed"), Text(_listed(pushed.remove)))] if pushed.remove else []
    known += [("revision", Text(pushed.revision, style=DIM))]
    return Padding(Group(head, Text(), splits, Text(), facts(*known)), (1, 1))


def _ended(pushed: Pushed) -> str:
    match pushed.end:
        case PushEnd.NOTHING_NEW:
            return "has all of it: nothing to do"
        case PushEnd.PLANNED:
            return (
                "would be made" if pushed.created else "would be brought up to date" if pushed.add else "has all of it"
            )
        case PushEnd.PUSHED:
            return "made" if pushed.created else "brought up to date"


def _verb(pushed: Pushed, would: str, did: str) -> str:
    return f"would {would}" if pushed.end is PushEnd.PLANNED else did


def _listed(paths: tuple[str, ...]) -> str:
    more = f" and {plural(len(paths) - SHOWN, 'more file')}" if len(paths) > SHOWN else ""
    return "\n".join(map(printable, paths[:SHOWN])) + more


class _Progress:
    """Says how far a push is, now and then."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def __call__(self, sent: PushProgress) -> None:
        now = time.monotonic()
        if now - self._said_at >= EVERY_S:
            self._said_at = now
            say(f"sent {sent.files:,} of {plural(sent.of, 'file')}, {sent.bytes / 1e6:,.1f} MB")
