"""When affinity is worth while: long prompts about passages that come again, and an engine with a cache."""

import pytest

from actors.calls.prefix_worth import FEWEST, HOPELESS, MEMORY, PrefixWorth
from schemas.samples import Cost


def after(worth: PrefixWorth, calls: int, cost: Cost, *, each: int = 4) -> bool:
    """Whether it pays after so many calls about new passages, `each` of them about one."""
    for number in range(calls):
        worth.asked(f"{calls}/{number // each}")
        worth.answered(cost)
    return worth.pays


@pytest.mark.parametrize(
    ("prompt", "completion", "each", "pays"),
    [(2000, 200, 4, True), (2000, 8000, 4, False), (200, 20, 4, False), (2000, 200, 1, False)],
    ids=["long passages", "decode dominates", "short prompts", "each passage once"],
)
def test_it_follows_from_what_calls_cost(prompt: int, completion: int, each: int, pays: bool) -> None:
    """Off until enough is measured; then on where a hit saves hundreds of tokens and a tenth of the work."""
    worth, cost = PrefixWorth(), Cost(prompt, completion, cached_tokens=16)
    assert not after(worth, FEWEST - 1, cost, each=each)
    assert after(worth, 2 * FEWEST, cost, each=each) is pays


def test_it_follows_the_work_and_does_not_flutter() -> None:
    """Completions become long in the middle of a run: off; short again: on. Between the bounds it stays as it was."""
    worth = PrefixWorth()
    assert after(worth, 100, Cost(1000, 100, cached_tokens=16))
    between = Cost(1000, 2500, cached_tokens=16)
    assert after(worth, 10 * MEMORY, between)
    assert not after(worth, 10 * MEMORY, Cost(1000, 9000, cached_tokens=16))
    assert not after(worth, 10 * MEMORY, between)
    assert after(worth, 10 * MEMORY, Cost(1000, 100, cached_tokens=16))


def test_an_engine_without_a_cache_is_found_out() -> None:
    """Two hundred and fifty-six calls with affinity, and not one token from a cache: never again."""
    worth = PrefixWorth()
    assert after(worth, FEWEST + HOPELESS - 10, Cost(2000, 100))
    assert not after(worth, 20, Cost(2000, 100))
    assert not after(worth, 10 * MEMORY, Cost(2000, 100, cached_tokens=16))


def test_calls_that_cost_nothing_say_nothing() -> None:
    """A verdict without tokens, and the first call of all."""
    worth = PrefixWorth()
    worth.asked("a")
    worth.answered(Cost())
    assert not worth.pays
