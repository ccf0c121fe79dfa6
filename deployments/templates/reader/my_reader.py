"""The reader my_reader: documents between lines of `---`. docs/corpus.md says what a reader is given and gives."""

import io
from collections.abc import Iterator

from actors.corpus.files import CorpusFile, stream
from actors.corpus.records import Item, Text
from schemas.config import Corpus


def read(source: CorpusFile, config: Corpus) -> Iterator[Item]:
    """A document for each part, under `uri#record=N`. A file that cannot be read raises: it is refused."""
    number, lines = 0, list[str]()
    with io.TextIOWrapper(stream(source), encoding=config.encoding, newline="") as file:
        for line in file:
            if line.rstrip() == "---":
                yield Text(f"{source.uri}#record={number}", "".join(lines))
                number, lines = number + 1, []
            else:
                lines.append(line)
    if "".join(lines).strip():  # a file whose last line is no `---` was cut off, perhaps in the middle of a document
        raise ValueError(f"document {number} does not end with a line of ---")
