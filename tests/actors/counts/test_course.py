"""When a run began, and how far its corpus was read."""

from schemas.corpus import DocumentRefused, RefusalReason
from schemas.ledger import CorpusEnded, Refused, RunStarted
from tests.actors.counts.records import counted


def test_a_resumed_run_keeps_its_first_start() -> None:
    """Killed and started again: the run began when it first began, and reading the corpus again ends it once more."""
    bad = Refused(12.0, DocumentRefused("a.txt", RefusalReason.EMPTY, "no text"))
    summary = counted([RunStarted(10.0, "c", {}), CorpusEnded(11.0, 1, 0), RunStarted(12.0, "c", {}), bad])
    assert (summary.started_at, summary.last_at, summary.corpus_ended) == (10.0, 12.0, True)
    assert summary.counts.refused_documents == 1
