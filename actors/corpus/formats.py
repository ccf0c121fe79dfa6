"""Reads a file by its suffix: as one text, as records (JSON, Parquet, CSV), with the text that `extract` finds in it
(PDF, HTML …), or with a reader that the configuration names. Bad input becomes a refusal, never an exception.

At most some blocks of the file and one document (`max_document_bytes`) are in memory at once: JSON records are cut out
of the blocks, and one that is too long is skipped. `actors.text.parquet` has the bound for Parquet. A file of an
unknown format is refused.
"""

from collections.abc import Iterator, Mapping

from actors.corpus.files import CorpusFile
from actors.corpus.foreign import error_line
from actors.corpus.json_records import json_items, json_line_items
from actors.corpus.names import CODE, EXTRACTED, JSON, JSON_LINES, KNOWN, PARQUET, TABLES, TEXTS, suffix_of
from actors.corpus.own import Reader
from actors.corpus.parquet_records import parquet_items
from actors.corpus.records import Item, refused
from actors.corpus.tables import table_items
from actors.corpus.texts import text_items
from schemas.config import Corpus
from schemas.corpus import RefusalReason

OURS: Mapping[str, Reader] = {
    **dict.fromkeys((*TEXTS, *CODE), text_items),
    **dict.fromkeys(TABLES, table_items),
    **dict.fromkeys(JSON_LINES, json_line_items),
    JSON: json_items,
    PARQUET: parquet_items,
}
NONE: Mapping[str, Reader] = {}


def is_markdown(uri: str) -> bool:
    """Whether a uri names a Markdown file."""
    return suffix_of(uri) in (".md", ".markdown")


def is_text_encoding(encoding: str) -> bool:
    """Whether Python has a text encoding of this name."""
    try:
        b"    ".decode(encoding)
    except UnicodeDecodeError:
        return True
    except (LookupError, ValueError):
        return False
    return True


def items(source: CorpusFile, config: Corpus, extract: Reader, own: Mapping[str, Reader] = NONE) -> Iterator[Item]:
    """The items of one file, in order. Any error becomes a refusal. `extract`: reads files whose text is extracted.
    `own`: the readers that the configuration names; no other reader reads their suffixes."""
    named = config.readers.get(source.suffix)
    ours = extract if source.suffix in EXTRACTED else OURS.get(source.suffix)
    read = ours if named is None else own.get(source.suffix)
    if read is None and named is not None:
        detail = f"only {named.reader} reads '{source.suffix}' (corpus.readers), and it is not loaded here"
        yield refused(source.uri, RefusalReason.UNKNOWN_FORMAT, detail)
        return
    if read is None:
        kind = f"'{source.suffix}'" if source.suffix else "a file without a suffix"
        known = ", ".join(sorted(KNOWN | set(config.readers)))
        detail = f"{kind} is not a known format; these are: {known}, and source code"
        yield refused(source.uri, RefusalReason.UNKNOWN_FORMAT, detail)
        return
    count = 0
    try:
        for item in read(source, config):
            count += 1
            yield item
    except Exception as error:  # noqa: BLE001 - one file must not end the run; `error_line` logs unknown errors
        before = f"; {count:,} records before that were read" if count else ""
        yield refused(source.uri, RefusalReason.UNREADABLE, error_line(error, source.uri) + before)
