"""Rules for the corpus beyond types. Law: a run has documents, or it says how many orders it has without them."""

from collections.abc import Iterator

from actors.corpus.formats import is_text_encoding
from deployments.config.faults import below, nearest, shown
from deployments.config.identity import plain
from deployments.config.reader_rules import broken_licenses, broken_readers
from schemas.config import Corpus, RunConfig
from schemas.config_tasks import Code, CustomTask, Prompted
from schemas.until_dry import UntilDry, orders_of_passage

_ENCODINGS = ("utf-8", "utf-16", "utf-32", "latin-1", "ascii", "cp1252", "shift_jis", "gb18030", "big5", "euc_kr")


def broken_corpus(config: RunConfig) -> Iterator[str]:
    """The faults of the section, as `path: what is wrong`."""
    corpus = config.corpus
    yield from broken_readers(corpus)
    yield from broken_licenses(corpus)
    if corpus.none is not None:
        yield from _broken_none(config)
    elif not corpus.paths:
        yield "corpus.paths: missing; name files or folders, or give corpus.none: the number of orders without passages"
    for name, values in (("paths", corpus.paths), ("include", corpus.include), ("exclude", corpus.exclude)):
        if values is not None and not all(value.strip() for value in values):
            yield f"corpus.{name}: empty, or with an empty entry"
    if corpus.columns is not None and (not corpus.columns or len(set(corpus.columns)) < len(corpus.columns)):
        yield "corpus.columns: empty, or one is there twice"
    if corpus.columns is not None and corpus.answer_field is not None:
        yield "corpus.columns: a problem is one text; leave out corpus.answer_field, or the columns"
    if corpus.problems is not None and not isinstance(config.task, Code):
        yield "corpus.problems: programming problems are for task.kind code"
    if corpus.problems is not None and (corpus.answer_field is not None or corpus.columns is not None):
        yield "corpus.problems: says which fields are read; leave out corpus.answer_field and corpus.columns"
    if not is_text_encoding(corpus.encoding):
        yield f"corpus.encoding: {shown(corpus.encoding)} is no text encoding{nearest(corpus.encoding, _ENCODINGS)}"


def _broken_none(config: RunConfig) -> Iterator[str]:
    """Faults of a run without documents."""
    for key, value in plain(config.corpus).items():
        if key not in ("none", "base") and value != plain(Corpus())[key]:
            yield f"{below('corpus', key)}: there is no document to read with corpus.none; leave it out"
    if not isinstance(config.task, Prompted | CustomTask):
        yield "corpus.none: this task is made of passages; without them task.kind is prompted, or custom"
    if isinstance(orders_of_passage(config.task.samples_per_passage), UntilDry):
        yield "task.samples_per_passage: auto is until a passage gives no more, and with corpus.none there are none"
    elif config.task.samples_per_passage != 1:
        yield "task.samples_per_passage: corpus.none is the number of orders; leave it out"
    if config.probes.rate:
        yield "probes.rate: probes are made of passages, and with corpus.none there are none"
