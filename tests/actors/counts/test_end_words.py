"""The end's summary says how each error began, however many orders met it, within a bound."""

from pathlib import Path

from msgspec.structs import replace

from actors.counts.end_words import LONGEST, MOST, EndWordsCount, first_words
from actors.counts.tally import Tally
from deployments.terminal.summary import summary_view
from schemas.errors import ErrorKind
from schemas.ledger import DeadLetteredEnd, Planned, Reopened
from schemas.orders import DeadLetter, EndReason, Order
from tests.deployments.terminal.test_views import drawn
from tests.doubles.passages import HERON, passage_of

REFUSED = "127.0.0.1:8000 answers HTTP 401 Unauthorized: the key is refused"


def engine_error(detail: str) -> DeadLetter:
    return DeadLetter(reason=EndReason.ENGINE_ERROR, detail=detail, error=ErrorKind.REFUSED)


def ended(number: int, *details: str) -> Tally:
    """A run of so many orders that ended of these errors in turn."""
    tally, found = Tally(), passage_of(HERON)
    orders = tuple(Order.fresh(found.id, "grounded_answer", slot) for slot in range(number))
    tally.apply(Planned(1.0, found, orders))
    for slot, order in enumerate(orders):
        tally.apply(DeadLetteredEnd(2.0, order.id, None, engine_error(details[slot % len(details)])))
    return tally


def test_a_refused_key_is_named_at_the_end() -> None:
    """99 of 100 orders died of one cause: the summary says which, not `engine_error 99` alone."""
    text = drawn(summary_view(ended(99, REFUSED).summary(), Path("runs/q")), 120)
    (line,) = [line for line in text.splitlines() if "engine_error" in line]
    assert "99" in line and REFUSED in line


def test_two_causes_are_told_with_their_counts() -> None:
    """Most died of the key, some of a prompt that was too long."""
    text = drawn(summary_view(ended(10, REFUSED, REFUSED, "the prompt has 9,000 tokens").summary(), Path("q")), 120)
    assert f"{REFUSED} (7)" in text and "the prompt has 9,000 tokens (3)" in text


def test_errors_that_differ_in_an_id_alone_are_one() -> None:
    """Servers put a request's id into each error."""
    one, other = (f"server error, request req_{number}abc, trace 5f2b{number}e77aa0" for number in (1, 2))
    assert first_words(one) == first_words(other)
    assert len(ended(8, one, other).summary().end_words) == 1


def test_a_thousand_different_errors_are_bounded() -> None:
    """A bug that quotes its input: a bounded table, and no order lost from it."""
    words = ended(300, *(f"{'x' * (3 * LONGEST)} {'abcdefghij'[number % 10] * (number + 1)}" for number in range(300)))
    mixed = ended(300, *(f"word {'q' * number} failed" for number in range(300)))
    assert sum(each.orders for each in words.summary().end_words) == 300
    found = mixed.summary().end_words
    assert len(found) <= MOST + 1 and sum(each.orders for each in found) == 300
    assert all(len(each.words) <= LONGEST + 2 for each in found)


def test_what_a_replay_takes_back_is_not_told_any_more() -> None:
    """The key was mended and the orders put back: the old error is gone from the summary."""
    tally, found = ended(1, REFUSED), passage_of(HERON)
    order = Order.fresh(found.id, "grounded_answer", 0)
    tally.apply(Reopened(3.0, order, found, 1, engine_error(REFUSED), rejected=False))
    assert tally.summary().end_words == ()


def test_a_rejection_is_no_error() -> None:
    """Its reason is told elsewhere."""
    count = EndWordsCount()
    count.add(replace(engine_error("x"), reason=EndReason.REJECTED))
    assert count.counts() == ()
