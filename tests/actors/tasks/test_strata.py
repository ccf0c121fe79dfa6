"""Variables that are drawn for each order."""

from collections import Counter
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.tasks.strata import BadWeights, Strata, counts_of, shuffled
from schemas.config_tasks import Variable

TOPICS = ("salt", "boats", "wood")
LEVELS = {"easy": 0.2, "hard": 0.7, "odd": 0.1}


def drawn(vary: dict[str, Variable], number: int, seed: int = 0) -> list[dict[str, str]]:
    strata = Strata(vary, seed)
    return [strata.of(each) for each in range(number)]


def test_an_order_is_given_the_same_whatever_was_drawn_before_it() -> None:
    """After a crash, orders are numbered as before; nothing else is kept."""
    whole = drawn({"topic": TOPICS, "level": LEVELS}, 60)
    late = Strata({"level": LEVELS, "topic": TOPICS}, 0)
    assert [late.of(number) for number in (59, 3, 30)] == [whole[59], whole[3], whole[30]]
    assert drawn({"topic": TOPICS, "level": LEVELS}, 60, seed=1) != whole


def test_a_new_variable_changes_no_other() -> None:
    """Each is drawn by its own name."""
    alone = drawn({"topic": TOPICS}, 30)
    assert [{"topic": each["topic"]} for each in drawn({"topic": TOPICS, "level": LEVELS}, 30)] == alone


def test_variables_of_one_period_are_drawn_apart() -> None:
    """Every pair comes: equal weights in equal order would give each level one persona."""
    vary: dict[str, Variable] = {"one": {"a": 0.2, "b": 0.8}, "other": {"a": 0.2, "b": 0.8}}
    pairs = Counter((each["one"], each["other"]) for each in drawn(vary, 500))
    assert pairs.keys() == set(product("ab", "ab"))
    assert 5 < pairs["a", "a"] < 40, "about 20 of 500"


@settings(max_examples=200)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.integers(0, 2**20))
def test_after_each_order_every_value_has_its_share_within_one(counts: list[int], seed: int) -> None:
    """Of a run that is stopped anywhere, too: that is what weights are for."""
    block, length = shuffled(counts, Random(seed)), sum(counts)
    given = [0] * len(counts)
    for place, kind in enumerate(block, 1):
        given[kind] += 1
        assert all(abs(had * length - place * count) < length for had, count in zip(given, counts, strict=True))
    assert given == list(counts)


def test_no_place_of_a_block_has_its_own_value() -> None:
    """A rare value comes early, late, and in between."""
    blocks = [shuffled((1, 4), Random(seed)) for seed in range(200)]
    assert {block.index(0) for block in blocks} == set(range(5))


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        (("a", "b"), (1, 1)),
        ({"a": 0.2, "b": 0.8}, (1, 4)),
        ({"a": 1.0, "b": 2.0, "c": 3.0}, (1, 2, 3)),
        ({"a": 0.5}, (1,)),
        ({"a": 0.01, "b": 0.99}, (1, 99)),
    ],
)
def test_weights_are_read_as_they_are_written(values: Variable, counts: tuple[int, ...]) -> None:
    """0.2 is a fifth, and weights need not add up to one."""
    assert counts_of(values) == counts


def test_weights_that_would_never_come_true_are_refused() -> None:
    """A share of a thousandth has no meaning in a run of some hundreds."""
    with pytest.raises(BadWeights, match="come true only after 1,000 orders; weights are hundredths"):
        counts_of({"a": 0.001, "b": 0.999})
