"""`gleaner models`: each role of a run by itself, as `deployments.local.roles` looks at it. Nothing is written."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from deployments.config.load import load
from deployments.local.roles import BATCH, look_at
from deployments.terminal.parts import BAD, DIM, facts
from deployments.terminal.preview import first_passages
from deployments.terminal.reading import as_builtins, put_json
from deployments.terminal.screen import Screen
from deployments.terminal.words import number, one_line, per_second, plural, spoken
from schemas.config import RunConfig
from schemas.corpus import Passage
from schemas.role_cards import BatchRate, ModelFacts, RoleCard

SHOWN = 300
"""Cells of a text that a person is shown; --json holds all."""


def show_models(path: Path, only: str | None, *, json: bool) -> bool:
    """Looks at each role and shows it; whether nothing failed. Raises UserError for a configuration, a corpus or a name
    that cannot be used."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # libraries that load weights would draw over the view
    config = load(path)
    passages = first_passages(config, BATCH).passages
    screen = Screen()
    if not json:
        screen.print(Padding(Text.assemble(("gleaner models ", "bold"), (str(path), "bold cyan")), (1, 1, 0, 1)))
    with Screen(stderr=True).status("loading one model after the other", spinner="dots"):
        cards = asyncio.run(_shown(config, passages, only, (lambda card: None) if json else _printed(screen)))
    if json:
        put_json({"roles": [as_builtins(card) for card in cards]})
    return all(card.error is None for card in cards)


def _printed(screen: Screen) -> Callable[[RoleCard], None]:
    return lambda card: screen.print(card_view(card))


async def _shown(
    config: RunConfig, passages: list[Passage], only: str | None, show: Callable[[RoleCard], None]
) -> list[RoleCard]:
    cards: list[RoleCard] = []
    async for card in look_at(config, passages, only, clock=time.monotonic):
        show(card)
        cards.append(card)
    return cards


def card_view(card: RoleCard) -> RenderableType:
    """One role: what it is, a call of it, how fast it is; where it fails, why."""
    head = Text.assemble((card.role, "bold"), (f"  {card.what}", DIM))
    rows: list[tuple[str, Text | str]] = [("model", f"{_from_here(card.model)} ({card.source})")]
    loaded = f", loaded in {spoken(card.load_s)}" if card.load_s is not None else ""
    rows += [("engine", f"{card.engine}{loaded}"), *_known(card.facts)]
    if card.sample is not None:
        for message in card.sample.asked:
            rows.append((message.role, one_line(message.content, width=SHOWN)))
        rows += [
            ("said", one_line(card.sample.said, width=SHOWN)),
            ("came to", one_line(card.sample.came_to, width=SHOWN)),
        ]
    if card.batch is not None:
        rows.append(("speed", _speed(card.batch)))
    if card.error is not None:
        rows.append(("failed", Text(card.error, style=BAD)))
    return Padding(Group(head, Padding(facts(*rows), (0, 0, 0, 2))), (1, 1, 0, 1))


def _known(known: ModelFacts) -> list[tuple[str, Text | str]]:
    rows: list[tuple[str, Text | str]] = []
    if known.context is not None:
        together = ", prompt and completion together" if known.turn_ends else ""
        rows.append(("reads", f"{plural(known.context, 'token')}{together}"))
    if known.slots is not None:
        rows.append(("at once", plural(known.slots, "request")))
    if known.template:
        rows.append(("template", one_line(known.template.replace("\n", "⏎"), width=SHOWN)))
    if known.system_turn is not None:
        rows.append(("system", known.system_turn.value))
        rows.append(("thinking", ", ".join(known.thinking) or "no switch in the template"))
    if known.turn_ends:
        rows.append(("turn ends", " ".join(known.turn_ends)))
    if known.padding is not None:
        rows.append(("padding", known.padding))
    if known.labels:
        rows.append(("labels", ", ".join(f"{place}: {label}" for place, label in enumerate(known.labels))))
    return rows


def _from_here(model: str) -> str:
    """A model's folder as one would type it."""
    path = Path(model)
    return str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else model


def _speed(batch: BatchRate) -> Text | str:
    answered = batch.calls - batch.failed
    told = f"{plural(batch.calls, 'call')} at once in {spoken(batch.seconds)}: "
    if not answered or not batch.seconds:
        return Text(f"{told}none was answered", style=BAD)
    read = f"{number(round(batch.prompt_tokens / batch.seconds))} tokens/s read"
    written = f"{number(round(batch.completion_tokens / batch.seconds))} tokens/s written"
    kinds = [written, read] if batch.completion_tokens else [f"{per_second(answered / batch.seconds)} calls/s", read]
    failed = [f"{batch.failed} of {batch.calls} failed"] if batch.failed else []
    return told + ", ".join([*kinds, *failed])
