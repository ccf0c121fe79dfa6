"""Our own readers pass the checks for readers, and the checks find each fault of a bad reader."""

import io
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.corpus import conformance
from actors.corpus.conformance import CHECKS, ReaderSubject, examine, finding
from actors.corpus.extract.answers import Extracted, Unusable
from actors.corpus.extract.worker import extracted
from actors.corpus.files import CorpusFile, whole
from actors.corpus.formats import OURS
from actors.corpus.own import Reader
from actors.corpus.records import Item, Text
from examples.readers.table import rows
from schemas.config import Corpus
from schemas.conformance import CheckOutcome
from schemas.corpus import DocumentRefused, RefusalReason
from tests.actors.corpus.extract.made import asked, docx, epub, paragraph, pdf

CONFIG = Corpus(paths=(".",))
RECORDS = [{"id": "a", "text": "One."}, {"id": "b", "text": "Two."}, {"id": "c", "text": "Three."}]


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(RECORDS), sink)
    return sink.getvalue()


def _extracted(name: str) -> Reader:
    """Our reader of a kind whose text is extracted, without its process."""

    def read(source: CorpusFile, config: Corpus) -> Iterator[Item]:
        match extracted(whole(source, 1 << 20), asked(name)):
            case Extracted(text, places):
                yield Text(source.uri, text, places=places)
            case Unusable(reason, detail):
                yield DocumentRefused(source.uri, reason, detail)

    return read


EXTRACTED = {
    "file.pdf": pdf(["One.", "Two."]),
    "file.docx": docx(paragraph("One.") + paragraph("Two.")),
    "file.epub": epub(["<p>One.", "<p>Two."]),
    "file.html": b"<h1>One</h1><p>Two and a half.</p><table><tr><td>Three</table>",
}
SAMPLES = {
    "page.md": b"# Title\n\nA sentence.\n",
    "lines.jsonl": "\n".join(map(json.dumps, RECORDS)).encode(),
    "list.json": json.dumps(RECORDS).encode(),
    "table.parquet": _parquet(),
    "table.csv": b"id,text\r\na,One.\r\nb,Two.\r\n",
}
SUBJECTS = {
    **{name: ReaderSubject(OURS["." + name.split(".")[1]], name, data, CONFIG) for name, data in SAMPLES.items()},
    **{name: ReaderSubject(_extracted(name), name, data, CONFIG) for name, data in EXTRACTED.items()},
    "the example": ReaderSubject(rows, "t.csv", b"id,text\r\na,One.\r\nb,Two.\r\n", CONFIG),
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", SUBJECTS)
async def test_our_readers_keep_to_it(name: str, check: str) -> None:
    """Our readers get the same checks as a user's. Of half a text file no reader can notice that it is half."""
    found = await finding(check, SUBJECTS[name])
    half = name == "page.md" and check == "half a text is not taken for a whole"
    assert found.outcome is (CheckOutcome.NOTED if half else CheckOutcome.PASSED), found.detail


numbers = itertools.count()


def text(source: CorpusFile, said: str) -> Iterator[Item]:
    yield Text(source.uri, said)


def for_ever(source: CorpusFile, config: Corpus) -> Iterator[Item]:
    for number in itertools.count():
        yield Text(f"{source.uri}#record={number}", "again")


def leaves_it_open(source: CorpusFile, config: Corpus) -> Iterator[Item]:
    yield Text(source.uri, source.open().read().decode("latin-1"))


def refuses(source: CorpusFile, config: Corpus) -> Iterator[Item]:
    yield Text(f"{source.uri}#record=0", "One.")
    yield DocumentRefused(f"{source.uri}#record=1", RefusalReason.BAD_RECORD, "no")


@pytest.mark.parametrize(
    ("reader", "check", "says"),
    [
        (lambda source, config: text(source, " "), "it reads the sample", "it gives no text for the sample"),
        (refuses, "it reads the sample", "it refuses 1 of 2 documents of the sample: no"),
        (lambda source, config: text(source, f"{next(numbers)}"), "read again it is the same", "something else"),
        (lambda source, config: text(source, source.uri), "it does not know where the file lies", "another place"),
        (for_ever, "it reads torn files to an end", "for a file that is empty: it gave more than 1,000 documents"),
        (leaves_it_open, "half a text is not taken for a whole", "it reads half a file as a whole text"),
        (leaves_it_open, "it closes what it opens", "it leaves files open"),
    ],
)
async def test_what_a_check_finds(reader: Any, check: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by the check that is for it."""
    monkeypatch.setattr(conformance, "MOST_ITEMS", 1_000)
    found = await finding(check, ReaderSubject(reader, "a.csv", b"id,text\na,One.\n", CONFIG))
    assert found.outcome is not CheckOutcome.PASSED
    assert says in found.detail


async def test_no_check_raises() -> None:
    """Whatever the reader does."""

    def falls(source: CorpusFile, config: Corpus) -> Iterator[Item]:
        raise RuntimeError("no")

    outcomes = {found.check: found.outcome for found in await examine(ReaderSubject(falls, "a.csv", b"x", CONFIG))}
    assert outcomes["it reads the sample"] is CheckOutcome.FAILED
