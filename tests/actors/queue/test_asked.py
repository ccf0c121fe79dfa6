"""What the queue remembers of accepted samples, whatever fields their task gives them."""

import pytest
from msgspec.structs import replace

from actors.gates.diversity import likeness
from actors.queue.held import AskedQuestions
from actors.text.vectors import packed
from schemas.ids import OrderId, PoolName
from schemas.ledger import AskedBefore
from schemas.orders import Attempt, Likeness
from schemas.samples import Candidate, Cost, Draft, Sampling, texts_of
from schemas.vectors import Embedded, Vector
from tests.doubles.conductors import lease

SAID = "A town by the sea that a fisher founded."


def attempt(summary: str) -> Attempt:
    draft = Draft({"summary": summary})
    return Attempt(1, None, Candidate(PoolName("generator"), (), Sampling(), summary, draft, Cost()))


def test_a_summary_that_was_accepted_before_a_replay_is_not_accepted_again() -> None:
    """A task without questions: an order is put back, and its passage's other order had said the same."""
    order = lease(1).order
    asked = AskedQuestions(likeness(texts_of), 0.9)
    asked.remember(order.passage_id, [AskedBefore(OrderId("first"), Draft({"summary": SAID}))])
    found = asked.again(order, attempt(SAID.upper()))
    assert found is not None and (found.of, found.question) == ("first", SAID)
    assert asked.again(order, attempt("It is cold in the north.")) is None


def embedded(summary: str, *values: float, by: str = "m@1") -> Attempt:
    return replace(attempt(summary), embedded=Embedded(Vector(by, packed(values))))


def asked_with(*accepted: Attempt) -> AskedQuestions:
    asked = AskedQuestions(likeness(texts_of), 0.9, vector_threshold=0.8)
    for slot, each in enumerate(accepted, 1):
        asked.add(lease(slot).order, each)
    return asked


def test_either_words_or_vectors_refuse() -> None:
    """The same in other words has a vector alike; the same words are refused whatever the vectors say."""
    asked, order = asked_with(embedded(SAID, 1.0, 0.0)), lease(9).order
    by_vectors = asked.again(order, embedded("It is cold in the north.", 0.9, 0.1))
    assert by_vectors is not None and by_vectors.by is Likeness.VECTORS
    assert (by_vectors.of, by_vectors.threshold) == (lease(1).order.id, 0.8)
    assert by_vectors.similarity == pytest.approx(0.994, abs=0.01)
    by_words = asked.again(order, embedded(SAID.upper(), 0.0, 1.0))
    assert by_words is not None and (by_words.by, by_words.similarity) == (Likeness.WORDS, 1.0)
    assert asked.again(order, embedded("It is cold in the north.", 0.5, 0.8)) is None


def test_vectors_of_another_embedder_say_nothing() -> None:
    """The model was changed by a replay: what was accepted before is compared by its words alone."""
    asked, order = asked_with(embedded(SAID, 1.0, 0.0)), lease(9).order
    assert asked.again(order, embedded("It is cold in the north.", 1.0, 0.0, by="m@2")) is None
    assert asked.again(order, embedded(SAID, 0.0, 1.0, by="m@2")) is not None


def test_what_no_embedder_saw_cannot_be_told() -> None:
    """A rescored dead letter has no vector where its passage's accepted sample has one; a queue without an embedder
    asks for none."""
    order = lease(9).order
    assert asked_with(embedded(SAID, 1.0, 0.0)).lacks_vector(order, attempt("It is cold."))
    assert not asked_with(embedded(SAID, 1.0, 0.0)).lacks_vector(order, embedded("It is cold.", 0.0, 1.0))
    assert not asked_with(attempt(SAID)).lacks_vector(order, attempt("It is cold."))
    plain = AskedQuestions(likeness(texts_of), 0.9)
    plain.add(lease(1).order, embedded(SAID, 1.0, 0.0))
    assert not plain.lacks_vector(order, attempt("It is cold."))
