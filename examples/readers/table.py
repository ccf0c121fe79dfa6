"""A reader of one's own, whole: the rows of a CSV file, whose first line names the fields.

One entry under `corpus:` reads such files, in folders too:

    corpus:
      paths: [data]
      text_field: body
      readers: {".csv": {reader: "examples.readers.table:rows", options: {delimiter: ";"}}}

`gleaner check examples.readers.table:rows --sample data/one.csv` tells whether it keeps to what every reader must.
"""

import csv
import io
from collections.abc import Iterator

from actors.corpus.files import CorpusFile, stream
from actors.corpus.records import Item, record_item
from schemas.config import Corpus


def rows(source: CorpusFile, config: Corpus, *, delimiter: str = ",") -> Iterator[Item]:
    """A record a row. A row that cannot be used is a refusal; a file that cannot be read raises, which is one too."""
    with io.TextIOWrapper(stream(source), encoding=config.encoding, newline="") as lines:
        table = csv.DictReader(lines, delimiter=delimiter, strict=True, restkey="more")
        for number, row in enumerate(table):
            yield record_item(f"{source.uri}#record={number}", row, f"line {table.line_num}: ", config)
