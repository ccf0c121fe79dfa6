"""`gleaner preview`: a few samples' whole lives, made in this process with the run's own parts. Nothing is written.

Law: what a preview shows is what a run would do: the same passages, seeds, prompts, gates and repairs; only Ray is left
out, and each passage gives one sample. The passages are of as many documents as there are samples, the first ones of
the corpus; of a smaller corpus, the first passages of each.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Group
from rich.rule import Rule
from rich.text import Text

from actors.corpus.chunker import Chunker
from actors.corpus.files import Skipped
from actors.counts.advice import advice_of
from actors.counts.tally import Tally
from actors.ledger.history import Life, life_of
from actors.ledger.sqlite import MemoryLedger
from deployments.build.documents import document_check
from deployments.build.readers import read_corpus
from deployments.build.tasks import build_task
from deployments.build.wiring import passage_orders
from deployments.config.load import check_models, load
from deployments.local.loop import conduct_in_process
from deployments.terminal.corpus_words import skipped_words, unusable
from deployments.terminal.life import Prompts, life_view
from deployments.terminal.parts import DIM, WARN
from deployments.terminal.reading import as_builtins, put_json
from deployments.terminal.screen import Screen
from deployments.terminal.words import percent, plural
from schemas.config import RunConfig
from schemas.config_probes import Probing
from schemas.corpus import DocumentRefused, Passage
from schemas.errors import CorpusError
from schemas.ledger import Planned, Refused
from schemas.progress import Summary


def preview(path: Path, *, samples: int, json: bool) -> None:
    """Makes and shows the first `samples` samples of a configuration."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # libraries that load weights would draw over the view
    config = load(path)
    check_models(config)
    screen = Screen(stderr=True)
    first = first_passages(config, samples)
    for line in first.unused:
        screen.print(Text(line, style=WARN))
    with screen.status("loading models and making samples", spinner="dots"):
        made = asyncio.run(_made(config, first.passages))
    lives, advice = made.lives, [Text(each.words, style=WARN) for each in advice_of(made.summary)]
    if json:
        put_json([as_builtins(life) for life in lives])
        screen.print(*advice, sep="\n", end="\n" if advice else "")
        return
    console, prompts = Screen(), Prompts()
    for count, life in enumerate(lives, 1):
        console.print(Rule(Text(f"sample {count} of {len(lives)}", style="bold"), characters="━"))
        console.print(life_view(life, prompts=prompts), Text())
    console.print(Group(Rule(style=DIM), *advice, _told(lives)))


async def preview_lives(config: RunConfig, *, samples: int) -> list[Life]:
    """The whole lives of `samples` samples, one from each of the first passages. Raises UserError as a run would."""
    return await lives_of(config, await asyncio.to_thread(passages_of, config, samples))


async def lives_of(config: RunConfig, passages: Sequence[Passage]) -> list[Life]:
    """The whole lives of one sample from each passage. Raises UserError as a run would."""
    return (await _made(config, passages)).lives


class _Made(Struct, frozen=True):
    lives: list[Life]
    summary: Summary


async def _made(config: RunConfig, passages: Sequence[Passage]) -> _Made:
    orders, together = passage_orders(config), build_task(config).together
    slots = min(together, orders if isinstance(orders, int) else orders.at_most)
    # a completion of several is shown as a run asks for it
    config = replace(config, task=replace(config.task, samples_per_passage=slots), probes=Probing())
    ledger, tally = MemoryLedger(), Tally()
    await conduct_in_process(config, passages, ledger)
    for record in ledger.kept:
        tally.apply(record)
    return _Made([_life(ledger, record) for record in ledger.kept if isinstance(record, Planned)], tally.summary())


def passages_of(config: RunConfig, limit: int) -> list[Passage]:
    """The passages that a preview begins with. Raises CorpusError as `first_passages` does."""
    return first_passages(config, limit).passages


class FirstPassages(Struct, frozen=True):
    """Where a preview begins. `unused`: lines that say what of the corpus could not be used, as far as it was read."""

    passages: list[Passage]
    unused: tuple[str, ...]


def first_passages(config: RunConfig, limit: int) -> FirstPassages:
    """`limit` passages, spread over the first documents. Raises CorpusError, which says why, when there is none."""
    chunker, skipped, tally = Chunker(config.corpus.chunking), Skipped(), Tally()
    each: list[list[Passage]] = []
    with document_check(config) as unfit:
        for document in read_corpus(config.corpus, skipped):
            found = document if isinstance(document, DocumentRefused) else unfit(document) or document
            if isinstance(found, DocumentRefused):
                tally.apply(Refused(0.0, found))
            elif passages := list(islice(chunker.passages(found), limit)):
                each.append(passages)
                if len(each) == limit:
                    break
    unused = tuple(f"unusable: {line}" for line in unusable(tally.summary().refusals))
    files = skipped.counts()
    unused += (f"{plural(sum(files.values()), 'file')} {skipped_words(files)}",) if files else ()
    if not each:
        where = ", ".join(config.corpus.paths)
        raise CorpusError("; ".join((f"{where}: no passage can be read there; nothing to preview", *unused)))
    return FirstPassages(list(_spread(each, limit)), unused)


def _spread(each: Sequence[Sequence[Passage]], limit: int) -> Iterator[Passage]:
    """As many of each document as come when one of each is taken in turn; in the order of the documents."""
    turns = [(turn, index) for index, passages in enumerate(each) for turn in range(len(passages))]
    for turn, index in sorted(sorted(turns)[:limit], key=lambda taken: (taken[1], taken[0])):
        yield each[index][turn]


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
