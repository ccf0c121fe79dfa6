"""What a file holds, by its suffix: one text, or records (JSON, Parquet), or what a reader of the configuration's finds
in it. Bad input is a refusal, never an exception.

Never more than some blocks of the file and one document (`max_document_bytes`) are held at once: records of JSON are
cut out of the blocks, one that is too long is skipped without being kept; `actors.text.parquet` says how much for
Parquet.
A format that is not known is refused by its name.
"""

from collections.abc import Iterator, Mapping

from actors.corpus.files import CorpusFile
from actors.corpus.foreign import told
from actors.corpus.json_records import json_items, json_line_items
from actors.corpus.names import JSON, JSON_LINES, KNOWN, PARQUET, TEXTS, suffix_of
from actors.corpus.own import Reader
from actors.corpus.parquet_records import parquet_items
from actors.corpus.records import Item, refused
from actors.corpus.texts import text_items
from schemas.config import Corpus
from schemas.corpus import RefusalReason

OURS: Mapping[str, Reader] = {
    **dict.fromkeys(TEXTS, text_items),
    **dict.fromkeys(JSON_LINES, json_line_items),
    JSON: json_items,
    PARQUET: parquet_items,
}
NONE: Mapping[str, Reader] = {}


def is_markdown(uri: str) -> bool:
    """Whether a uri names a Markdown file."""
    return suffix_of(uri) in (".md", ".markdown")


def is_text_encoding(encoding: str) -> bool:
    """Whether Python knows the encoding, and it is one of text."""
    try:
        b"    ".decode(encoding)
    except UnicodeDecodeError:
        return True
    except (LookupError, ValueError):
        return False
    return True


def items(source: CorpusFile, config: Corpus, own: Mapping[str, Reader] = NONE) -> Iterator[Item]:
    """What one file holds, in order. Whatever goes wrong in it is a refusal. `own`: the readers that the configuration
    names; a suffix of theirs is read by no other."""
    named = config.readers.get(source.suffix)
    read = OURS.get(source.suffix) if named is None else own.get(source.suffix)
    if read is None and named is not None:
        detail = f"only {named.reader} reads '{source.suffix}' (corpus.readers), and it is not here"
        yield refused(source.uri, RefusalReason.UNKNOWN_FORMAT, detail)
        return
    if read is None:
        what = f"'{source.suffix}'" if source.suffix else "a file without a suffix"
        detail = f"{what} is no format that is read; these are: {', '.join(sorted(KNOWN | set(config.readers)))}"
        yield refused(source.uri, RefusalReason.UNKNOWN_FORMAT, detail)
        return
    count = 0
    try:
        for item in read(source, config):
            count += 1
            yield item
    except Exception as error:  # noqa: BLE001 - one file must not end the run; `told` logs what is not known
        before = f"; {count:,} records before that were read" if count else ""
        yield refused(source.uri, RefusalReason.UNREADABLE, told(error, source.uri) + before)
