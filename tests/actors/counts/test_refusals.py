"""A document that was refused once and read later is no dead letter; what is refused again, or gone, stays one."""

from pathlib import Path

import pytest

from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.corpus.reader import read
from actors.counts.refusals import Refusals, Rereading
from actors.counts.tally import Tally
from actors.counts.together import together
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.report.facts import ReportFold
from schemas.config import Corpus
from schemas.corpus import Document, DocumentRefused, RefusalReason
from schemas.ledger import CorpusEnded, Record, Refused
from schemas.progress import RefusalCount
from tests.actors.queue.test_service import service

TORN = DocumentRefused("file:///c/torn.txt", RefusalReason.UNDECODABLE, "byte 3")
ALSO_TORN = DocumentRefused("file:///c/other.txt", RefusalReason.UNDECODABLE, "byte 7")
CHANGED = DocumentRefused("file:///c/new.txt", RefusalReason.CHANGED, "it has changed")
FIRST = [Refused(1.0, TORN), Refused(1.0, ALSO_TORN), Refused(1.0, CHANGED), CorpusEnded(2.0, 5, 5)]
AGAIN = [*FIRST, CorpusEnded(3.0, 7, 7, read_again=(TORN, CHANGED))]


def reading(corpus: Path, earlier: tuple[DocumentRefused, ...]) -> tuple[Rereading, list[DocumentRefused]]:
    """The corpus as the reader goes through it."""
    found, refused = Rereading(earlier), []
    for document in read(Corpus(paths=(str(corpus),))):
        if isinstance(document, Document):
            found.read(document)
        else:
            found.refused(document)
            refused.append(document)
    return found, refused


def test_a_file_that_could_not_be_read_for_a_moment(tmp_path: Path) -> None:
    """A text and a file of records are torn while they are copied; the next start reads them. One stays torn, one is
    gone."""
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_bytes(b"torn \xff")
    (tmp_path / "records.jsonl").write_bytes(b"")
    (tmp_path / "good.txt").write_text("A good text.")
    first, refused = reading(tmp_path, ())
    assert len(refused) == 4 and first.over() == ()
    (tmp_path / "a.txt").write_text("Whole now.")
    (tmp_path / "records.jsonl").write_text('{"id": "x", "text": "A record."}\n')
    (tmp_path / "c.txt").unlink()
    again, still = reading(tmp_path, tuple(refused))
    assert [document.uri.rsplit("/", 1)[1] for document in again.over()] == ["a.txt", "records.jsonl"]
    assert [document.uri.rsplit("/", 1)[1] for document in still] == ["b.txt"]


def test_a_document_that_is_refused_for_another_reason_is_over_in_the_first_alone(tmp_path: Path) -> None:
    """Torn at first, empty at the next start: it was not read, so both refusals hold until it is."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff")
    _, torn = reading(tmp_path, ())
    path.write_bytes(b" ")
    second, empty = reading(tmp_path, tuple(torn))
    assert second.over() == ()
    path.write_text("Words.")
    third, _ = reading(tmp_path, (*torn, *empty))
    assert third.over() == (*torn, *empty)


@pytest.mark.parametrize("records", [FIRST, AGAIN])
def test_counts_by_reason_name_a_document_that_is_still_refused(records: list[Record]) -> None:
    """The first of a reason is over: the next one is shown."""
    refusals = Refusals()
    for record in records:
        refusals.apply(record)
    torn = RefusalCount(RefusalReason.UNDECODABLE, 2, TORN.uri, TORN.detail)
    changed = RefusalCount(RefusalReason.CHANGED, 1, CHANGED.uri, CHANGED.detail)
    left = RefusalCount(RefusalReason.UNDECODABLE, 1, ALSO_TORN.uri, ALSO_TORN.detail)
    assert refusals.counts() == ((left,) if records is AGAIN else (torn, changed))
    assert (len(refusals), refusals.read_again) == ((1, 2) if records is AGAIN else (3, 0))


def test_counts_report_and_verify_say_that_it_is_over() -> None:
    """Everything that tells of a run: one document is unusable, two were read again."""
    tally, facts = Tally(), ReportFold(seed=1)
    for record in AGAIN:
        tally.apply(record)
        facts.apply(record)
    summary = tally.summary()
    assert (summary.counts.refused_documents, summary.counts.read_again_documents) == (1, 2)
    assert facts.refused == [ALSO_TORN]
    assert together([summary, summary]).counts.read_again_documents == 4
    book = read_book(enumerate(AGAIN, 1), Findings())
    assert book.changed == set()


async def test_a_refusal_that_is_over_may_come_again(tmp_path: Path) -> None:
    """Unreadable, still so, read, unreadable again: each start is a process; two records for two times."""
    starts: list[tuple[bool, tuple[DocumentRefused, ...]]] = [(True, ()), (True, ()), (False, (TORN,)), (True, ())]
    found = []
    for is_refused, over in starts:
        queue = service(SqliteLedger(tmp_path))
        if is_refused:
            await queue.refuse(TORN)
        await queue.corpus_ended(1, 1, {}, over)
        found.append((len(queue.refused()), queue.snapshot().counts.refused_documents))
        await queue.close()
    assert found == [(1, 1), (1, 1), (0, 0), (1, 1)]
    with LedgerReader(tmp_path) as ledger:
        assert sum(isinstance(record, Refused) for _, record in ledger.records()) == 2
