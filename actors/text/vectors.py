"""Vectors in few bytes, and how alike two of them are.

Law: what is compared is whole numbers, so two processes that read the same records come to the same likeness. A byte a
dimension moves a cosine by some 0.001 (measured, of 384 and of 1,024 dimensions).
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any

from schemas.vectors import Vector

LARGEST = 127


def packed(values: Sequence[float]) -> bytes:
    """A signed byte for each number, scaled so that the largest is 127 or -127. Raises ValueError for numbers that have
    no direction: none, all zero, or not finite."""
    import numpy as np  # here and below, not above: a queue without vectors has no need of it

    found = np.asarray(values, dtype=np.float64)
    largest = float(np.abs(found).max(initial=0.0))
    if not 0 < largest < float("inf"):
        raise ValueError("a vector without a direction")
    return np.rint(found * (LARGEST / largest)).astype(np.int8).tobytes()


def cosine(a: Vector, b: Vector) -> float | None:
    """How alike two vectors point, in [-1, 1]; None where different embedders made them, or one has no direction."""
    if a.by != b.by or len(a.parts) != len(b.parts):
        return None
    one, other = _numbers(a), _numbers(b)
    lengths = int(one @ one) * int(other @ other)
    return int(one @ other) / sqrt(lengths) if lengths else None


def _numbers(vector: Vector) -> Any:
    import numpy as np

    return np.frombuffer(vector.parts, dtype=np.int8).astype(np.int64)
