"""A corpus that changes under a run: what is planned of it then, passage by passage, and what is said."""

import json
from pathlib import Path

from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.corpus.chunker import Chunker
from actors.corpus.reader import read
from actors.counts.tally import Tally
from actors.queue.documents import Changed, Comparison, KnownDocuments
from schemas.config import Chunking, Corpus
from schemas.corpus import Document, DocumentRefused, Passage, RefusalReason
from schemas.ids import PassageId
from schemas.ledger import CorpusEnded, Planned, Refused, RunStarted

CHUNKING = Chunking(max_tokens=8)
TEXT = "The tower was built in 1871. The bridge was built in 1902. The mill was built in 1910."


class Run:
    """What a folder remembers of its planned passages; each `plan` is another start over the corpus as it is then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents = KnownDocuments()
        self.planned: dict[PassageId, Passage] = {}

    def plan(self, changed: Changed = "skip", version: str | None = None) -> tuple[list[str], list[DocumentRefused]]:
        """The texts that are planned for the first time, and the refusals."""
        chunker = Chunker(CHUNKING)
        if version is not None:
            chunker.version = version
        comparison = Comparison([self.documents.all()], chunker.version, changed)
        new, refused = list[Passage](), list[DocumentRefused]()
        for document in read(Corpus(paths=("docs",)), self.folder):
            assert isinstance(document, Document)
            found = comparison.wanted(
                document, chunker.passages(document), lambda ids: [each in self.planned for each in ids]
            )
            if isinstance(found, DocumentRefused):
                refused.append(found)
            else:
                new += [passage for passage in found if passage.id not in self.planned]
        for passage in new:
            self.planned[passage.id] = passage
            self.documents.add(passage)
        return [passage.text for passage in new], refused

    def write(self, name: str, *lines: str) -> None:
        path = self.folder / "docs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(json.dumps({"text": line}) for line in lines) if name.endswith("l") else lines[0])


def test_an_unchanged_corpus_plans_nothing(tmp_path: Path) -> None:
    """The same command again, whatever is said of changed documents."""
    run = Run(tmp_path)
    run.write("a.txt", TEXT)
    assert len(run.plan()[0]) == 3
    assert run.plan() == ([], [])
    assert run.plan("new") == ([], [])


def test_a_newline_at_the_end_is_not_paid_for(tmp_path: Path) -> None:
    """An editor adds a newline: every passage's id is another one, and nothing is made again, also when asked for."""
    run = Run(tmp_path)
    run.write("a.txt", TEXT)
    run.plan()
    run.write("a.txt", TEXT + "\n")
    texts, [refused] = run.plan()
    assert (texts, refused.uri, refused.reason) == ([], "docs/a.txt", RefusalReason.CHANGED)
    assert "--changed new" in refused.detail
    assert run.plan("new") == ([], [])


def test_only_new_passages_of_a_new_version(tmp_path: Path) -> None:
    """A paragraph is added, another edited: with `--changed new` these are planned, and the version is known then."""
    run = Run(tmp_path)
    run.write("a.txt", TEXT)
    run.plan()
    run.write("a.txt", TEXT.replace("1910", "1911") + " The lock was built in 1950.")
    assert run.plan()[0] == []
    assert run.plan("new")[0] == ["The mill was built in 1911.", "The lock was built in 1950."]
    assert run.plan() == ([], [])


def test_a_document_that_is_back_as_it_was(tmp_path: Path) -> None:
    """The change is undone: nothing is refused any more."""
    run = Run(tmp_path)
    run.write("a.txt", TEXT)
    run.plan()
    run.write("a.txt", "Something else is here.")
    run.plan("new")
    run.write("a.txt", TEXT)
    assert run.plan() == ([], [])


def test_a_line_inserted_among_records_without_ids(tmp_path: Path) -> None:
    """Records are named by their place: one inserted at the top moves all. None is paid for again, the last included;
    with `--changed new` the inserted one is planned."""
    run = Run(tmp_path)
    run.write("a.jsonl", "One is here.", "Two is here.", "Three is here.")
    run.plan()
    run.write("a.jsonl", "Zero is here.", "One is here.", "Two is here.", "Three is here.")
    texts, refused = run.plan()
    assert (texts, [each.uri for each in refused]) == ([], [f"docs/a.jsonl#record={index}" for index in range(4)])
    assert {each.reason for each in refused} == {RefusalReason.CHANGED}
    assert "as another record" in refused[1].detail
    assert run.plan("new")[0] == ["Zero is here."]


def test_records_that_are_added_are_planned(tmp_path: Path) -> None:
    """A file grows at its end: no change. A text that stands there twice is two records, as at a first start."""
    run = Run(tmp_path)
    run.write("a.jsonl", "One is here.")
    run.plan()
    run.write("a.jsonl", "One is here.", "Two is here.", "One is here.")
    assert run.plan() == (["Two is here.", "One is here."], [])


def test_another_chunker(tmp_path: Path) -> None:
    """A new version of the splitter: where it cuts as before nothing happens; where it does not, nothing is paid for
    without being asked for."""
    run = Run(tmp_path)
    run.write("a.txt", TEXT)
    run.plan()
    assert run.plan(version="splitter/99") == ([], [])
    del run.planned[next(iter(run.planned))]
    texts, [refused] = run.plan(version="splitter/99")
    assert (texts, refused.reason) == ([], RefusalReason.CHANGED)
    assert "cut differently now, by splitter/99" in refused.detail
    assert len(run.plan("new", version="splitter/99")[0]) == 1


def test_a_run_that_stopped_inside_a_document_goes_on(tmp_path: Path) -> None:
    """Killed between two passages of a document: the rest is planned, since the document is the same."""
    run = Run(tmp_path)
    run.write("a.txt", TEXT)
    run.plan()
    last = list(run.planned)[-1]
    del run.planned[last]
    assert run.plan() == (["The mill was built in 1910."], [])


def test_a_changed_reference_answer_is_a_change(tmp_path: Path) -> None:
    """The same problem with another answer is another problem: noticed, and planned when asked for."""
    config = Corpus(paths=("p.jsonl",), answer_field="answer")
    known = KnownDocuments()
    chunker = Chunker(Chunking())
    for answer in ("4", "5"):
        (tmp_path / "p.jsonl").write_text(json.dumps({"id": "p", "text": "2+2?", "answer": answer}))
        [document] = read(config, tmp_path)
        assert isinstance(document, Document)
        found = {
            changed: Comparison([known.all()], chunker.version, changed).wanted(
                document, chunker.passages(document), lambda ids: [False] * len(ids)
            )
            for changed in ("skip", "new")
        }
        assert isinstance(found["skip"], DocumentRefused) is (answer == "5")
        assert not isinstance(found["new"], DocumentRefused)
        [passage] = found["new"]
        known.add(passage)


def test_a_run_is_not_complete_while_its_grown_corpus_is_read(tmp_path: Path) -> None:
    """Interrupted while a grown corpus is read again: new passages are planned, the end is not read; not complete."""
    run = Run(tmp_path)
    run.write("a.txt", "A fact stands here.")
    run.plan()
    [passage] = run.planned.values()
    planned = Planned(2.0, passage, ())
    changed = Refused(4.0, DocumentRefused("docs/b.txt", RefusalReason.CHANGED, "changed"))
    records = [RunStarted(0.0, "c", {}), CorpusEnded(1.0, 0, 0), planned, changed]
    tally = Tally()
    for record in records:
        tally.apply(record)
    assert not tally.summary().corpus_ended
    book = read_book(enumerate(records, 1), Findings())
    assert (book.corpus_ended, book.changed) == (False, {"docs/b.txt"})
    tally.apply(CorpusEnded(5.0, 1, 1))
    assert tally.summary().corpus_ended
