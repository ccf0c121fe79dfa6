"""`gleaner preview`: a few samples' whole lives, made in this process with the run's own parts. Nothing is written.

Law: what a preview shows is what a run would do: the same passages first, the same seeds, prompts, gates and repairs;
only Ray is left out, and each passage gives one sample.
"""

import asyncio
import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from msgspec.structs import replace
from rich.console import Group
from rich.rule import Rule
from rich.text import Text

from actors.corpus.chunker import Chunker
from actors.corpus.reader import read
from actors.ledger import MemoryLedger
from actors.lives import Life, life_of
from deployments.config import check_models, load
from deployments.in_process import conduct_in_process
from deployments.terminal.life import Prompts, life_view
from deployments.terminal.parts import DIM
from deployments.terminal.reading import as_builtins, put_json
from deployments.terminal.screen import Screen
from deployments.terminal.words import percent, plural
from schemas.config import RunConfig
from schemas.config_audit import Audit
from schemas.corpus import Document, Passage
from schemas.errors import CorpusError
from schemas.ledger import Planned


def preview(path: Path, *, samples: int, json: bool) -> None:
    """Makes and shows the first `samples` samples of a configuration."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # libraries that load weights would draw over the view
    config = load(path)
    check_models(config)
    with Screen(stderr=True).status("loading models and making samples", spinner="dots"):
        lives = asyncio.run(preview_lives(config, samples=samples))
    if json:
        put_json([as_builtins(life) for life in lives])
        return
    console, prompts = Screen(), Prompts()
    for count, life in enumerate(lives, 1):
        console.print(Rule(Text(f"sample {count} of {len(lives)}", style="bold"), characters="━"))
        console.print(life_view(life, prompts=prompts), Text())
    console.print(Group(Rule(style=DIM), _told(lives)))


async def preview_lives(config: RunConfig, *, samples: int) -> list[Life]:
    """The whole lives of one sample from each of the first `samples` passages. Raises UserError as a run would."""
    config = replace(config, task=replace(config.task, samples_per_passage=1), audit=Audit())
    ledger = MemoryLedger()
    await conduct_in_process(config, passages_of(config, samples), ledger)
    return [_life(ledger, record) for record in ledger.kept if isinstance(record, Planned)]


def passages_of(config: RunConfig, limit: int) -> list[Passage]:
    """The first `limit` passages of its corpus. Raises CorpusError when there is none."""
    chunker = Chunker(config.corpus.chunking)
    documents = (found for found in read(config.corpus) if isinstance(found, Document))
    found = list(islice((passage for document in documents for passage in chunker.passages(document)), limit))
    if not found:
        raise CorpusError(f"{', '.join(config.corpus.paths)}: no passage can be read there; nothing to preview")
    return found


def _life(ledger: MemoryLedger, planned: Planned) -> Life:
    order_id = planned.orders[0].id
    story = [record for record in ledger.kept if getattr(record, "order_id", None) == order_id]
    return life_of(order_id, [planned, *story])


def _told(lives: Sequence[Life]) -> Text:
    accepted = sum(life.accepted_at is not None for life in lives)
    recovered = sum(life.accepted_at is not None and len(life.attempts) > 1 for life in lives)
    attempts = plural(sum(len(life.attempts) for life in lives), "attempt")
    share = percent(accepted, len(lives))
    return Text(
        f"{accepted} of {plural(len(lives), 'sample')} accepted ({share}), {recovered} after repair, in {attempts}; "
        "nothing was written",
        style=DIM,
    )
