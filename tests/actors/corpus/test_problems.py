"""Problems as a corpus: the question is the document, its reference answer travels beside it, neither is ever cut."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.corpus.chunker import Chunker
from actors.corpus.reader import documents, read
from actors.gates.provenance import ProvenanceGate
from schemas.config import Chunking, Corpus
from schemas.corpus import Document, DocumentRefused, Passage, Provenance, RefusalReason
from schemas.ids import DocumentId
from schemas.samples import answered
from schemas.verdicts import GateRequest, Passed, Rejected
from tests.actors.corpus.conftest import Write

CORPUS = Corpus(paths=("p.jsonl",), text_field="question", answer_field="answer")


def test_a_problem_is_its_question_with_the_reference_beside_it(write: Write, tmp_path: Path) -> None:
    """A text or a number as the answer; the hash and the span are the question's."""
    write("p.jsonl", [{"question": " 6*7? ", "answer": "A: 42"}, {"question": "1/2?", "answer": 0.5, "id": "half"}])
    first, second = (found for found in read(CORPUS, tmp_path) if isinstance(found, Document))
    assert (first.text, first.reference) == (" 6*7? ", "A: 42")
    assert (second.id, second.reference) == ("half", "0.5")
    (passage,) = Chunker(Chunking()).passages(first)
    assert (passage.text, passage.provenance.start, passage.provenance.end) == ("6*7?", 1, 5)
    assert passage.reference == "A: 42"
    assert list(documents([first.uri], CORPUS, tmp_path)) == [first]


def test_problems_in_parquet(tmp_path: Path) -> None:
    """A table with a column for each."""
    pq.write_table(pa.table({"question": ["6*7?"], "answer": [42], "more": ["x"]}), tmp_path / "p.parquet")
    (found,) = read(Corpus(paths=("p.parquet",), text_field="question", answer_field="answer"), tmp_path)
    assert isinstance(found, Document)
    assert (found.text, found.reference) == ("6*7?", "42")


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"question": "6*7?"}, "line 1: no field 'answer' (corpus.answer_field); it has: question"),
        ({"question": "6*7?", "answer": None}, "line 1: field 'answer' holds no answer: neither a text nor a number"),
        ({"question": "6*7?", "answer": " "}, "holds no answer"),
        ({"question": "6*7?", "answer": [42]}, "holds no answer"),
        ({"question": "6*7?", "answer": True}, "holds no answer"),
        ({"question": "6*7?", "answer": float("nan")}, "field 'answer' is nan, which is not a number"),
        ({"question": "6*7?", "answer": float("-inf")}, "field 'answer' is -inf, which is not a number"),
    ],
)
def test_a_problem_without_an_answer_is_refused(write: Write, tmp_path: Path, record: object, says: str) -> None:
    """Nothing could be verified: the record is dead-lettered with its line, the others go on."""
    write("p.jsonl", [record, {"question": "1+1?", "answer": "2"}])
    refused, problem = read(CORPUS, tmp_path)
    assert isinstance(refused, DocumentRefused)
    assert refused.reason is RefusalReason.BAD_RECORD
    assert says in refused.detail
    assert isinstance(problem, Document)


def test_texts_beside_problems_are_refused(write: Write, tmp_path: Path) -> None:
    """A folder of problems with a readme in it: the readme is no problem."""
    write("docs/README.md", "Read me.")
    write("docs/p.jsonl", [{"question": "1+1?", "answer": "2"}])
    corpus = Corpus(paths=("docs",), text_field="question", answer_field="answer")
    refused = [found for found in read(corpus, tmp_path) if isinstance(found, DocumentRefused)]
    assert [(found.uri, found.reason) for found in refused] == [("docs/README.md", RefusalReason.BAD_RECORD)]


def test_a_long_problem_stays_whole(write: Write, tmp_path: Path) -> None:
    """Half a problem cannot be solved: the passage limit does not hold for it."""
    question = "Add one. " * 200
    write("p.jsonl", [{"question": question, "answer": "200"}])
    (found,) = read(CORPUS, tmp_path)
    assert isinstance(found, Document)
    assert [passage.text for passage in Chunker(Chunking(max_tokens=8)).passages(found)] == [question.strip()]


async def test_a_changed_reference_is_another_problem(write: Write, tmp_path: Path) -> None:
    """The id covers the answer: a passage whose reference was exchanged does not pass the provenance gate."""
    write("p.jsonl", [{"question": "6*7?", "answer": "42"}])
    (found,) = read(CORPUS, tmp_path)
    assert isinstance(found, Document)
    (passage,) = Chunker(Chunking()).passages(found)
    exchanged = Passage(passage.id, passage.text, passage.provenance, "43")
    verdicts = [
        await ProvenanceGate().check(GateRequest("a", each, answered("6*7?", "#### 43")))
        for each in (passage, exchanged)
    ]
    assert [type(verdict) for verdict in verdicts] == [Passed, Rejected]


def test_passages_without_a_reference_keep_their_ids() -> None:
    """Runs of grounded answers from before there were problems go on as they were."""
    where = Provenance("memory://a", DocumentId("a"), "0" * 64, 0, 1, "test")
    assert Passage.of("x", where).id == "a46abe6d4634c9b3c20fe5cca2f40177"
    assert Passage.of("x", where, "1").id != Passage.of("x", where).id
