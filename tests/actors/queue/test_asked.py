"""What the queue remembers of accepted samples, whatever fields their task gives them."""

from actors.gates.diversity import likeness
from actors.queue.held import AskedQuestions
from schemas.ids import OrderId, PoolName
from schemas.ledger import AskedBefore
from schemas.orders import Attempt
from schemas.samples import Candidate, Cost, Draft, Sampling, texts_of
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
