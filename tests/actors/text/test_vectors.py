"""Vectors in few bytes: as alike as before, and never alike by default."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.text.vectors import cosine, packed
from schemas.vectors import Vector

numbers = st.lists(st.floats(-10, 10, allow_nan=False), min_size=8, max_size=8).filter(
    lambda n: max(map(abs, n)) > 1e-3
)


def vector(values: list[float], by: str = "m@1") -> Vector:
    return Vector(by, packed(values))


@given(numbers, numbers)
def test_a_byte_a_dimension_is_enough(a: list[float], b: list[float]) -> None:
    """Rounding moves each number by half of 1/127 of the largest: of eight dimensions at most some hundredths."""
    exact = sum(x * y for x, y in zip(a, b, strict=True)) / sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    found = cosine(vector(a), vector(b))
    assert found == pytest.approx(exact, abs=0.025)
    assert found == cosine(vector(b), vector(a))


def test_only_the_direction_counts() -> None:
    """A model that normalises and one that does not give the same bytes."""
    assert packed([0.3, -0.4]) == packed([3.0, -4.0])
    assert cosine(vector([1.0, 2.0]), vector([2.0, 4.0])) == pytest.approx(1.0)
    assert cosine(vector([1.0, 0.0]), vector([-1.0, 0.0])) == pytest.approx(-1.0)


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0]])
def test_numbers_without_a_direction_are_no_vector(values: list[float]) -> None:
    """A broken model's output is not like nothing: it is refused."""
    with pytest.raises(ValueError, match="direction"):
        packed(values)


@pytest.mark.parametrize("other", [vector([1.0, 2.0], by="m@2"), vector([1.0, 2.0, 3.0]), Vector("m@1", b"\0\0")])
def test_vectors_of_different_embedders_are_not_compared(other: Vector) -> None:
    """After a change of the model the numbers mean something else."""
    assert cosine(vector([1.0, 2.0]), other) is None
