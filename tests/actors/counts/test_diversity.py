"""How alike accepted samples are."""

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.counts.diversity import diversity_words
from actors.counts.together import together
from actors.text.vectors import cosine, packed
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Record
from schemas.orders import DeadLetter, EndReason
from schemas.progress import DiversityCount
from schemas.vectors import Embedded, Vector
from tests.actors.counts.records import FAITHFUL, GOOD, POOR, counted, first, planned

NUMBERS = st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda numbers: max(map(abs, numbers)) > 0.01)


def ends(vectors: Sequence[Vector]) -> list[Record]:
    """A run whose samples have these vectors."""
    plan, made = planned(len(vectors))
    attempts = [replace(first(FAITHFUL, GOOD), embedded=Embedded(vector)) for vector in vectors]
    return [plan, *(AcceptedEnd(2.0, order.id, made) for order, made in zip(made, attempts, strict=True))]


@given(st.lists(NUMBERS, min_size=2, max_size=8))
def test_it_is_the_mean_of_all_pairs(values: list[list[float]]) -> None:
    """As if each pair were compared, to a thousandth."""
    vectors = [Vector("m@1", packed(numbers)) for numbers in values]
    [found] = counted(ends(vectors)).diversity
    pairs = [cosine(one, other) or 0.0 for one, other in combinations(vectors, 2)]
    assert found.samples == len(vectors) and found.pairs == len(pairs)
    assert found.mean_cosine == pytest.approx(sum(pairs) / len(pairs), abs=0.001)


def test_what_was_not_accepted_is_not_compared() -> None:
    """A rejected draft may have a vector, and is no sample."""
    plan, [order] = planned(1)
    rejected = replace(first(FAITHFUL, POOR), embedded=Embedded(Vector("m@1", packed([1.0, 0.0]))))
    assert counted([plan, DeadLetteredEnd(2.0, order.id, rejected, DeadLetter(EndReason.REJECTED))]).diversity == ()


def test_a_run_without_an_embedder_says_nothing() -> None:
    """Nor does one whose only sample has none to be compared with."""
    plan, [order] = planned(1)
    assert counted([plan, AcceptedEnd(2.0, order.id, first(FAITHFUL, GOOD))]).diversity == ()
    alone = counted(ends([Vector("m@1", packed([1.0, 0.0]))])).diversity
    assert alone[0].mean_cosine is None and diversity_words(alone) == ()


def test_embedders_and_shards_are_kept_apart() -> None:
    """Two models' vectors are not compared; of two queue shards the pairs of each are added."""
    mixed = [Vector("m@1", packed([1.0, 0.0])), Vector("m@2", packed([1.0, 0.0])), Vector("m@1", packed([0.0, 1.0]))]
    one = counted(ends(mixed))
    assert [(row.embedder, row.samples, row.pairs) for row in one.diversity] == [("m@1", 2, 1), ("m@2", 1, 0)]
    other = counted(ends([Vector("m@1", packed([1.0, 0.0]))] * 2))
    row = together([one, other]).diversity[0]
    assert row == DiversityCount("m@1", 4, 2, row.cosines) and row.mean_cosine == pytest.approx(0.5, abs=0.001)
    said = "any two of 4 samples have a cosine of 0.50 in the mean (m@1)"
    assert diversity_words((row,)) == (("diversity", said),)
