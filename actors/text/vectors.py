"""Vectors in few bytes, and how similar two of them are.

Law: only whole numbers are compared, so two processes that read the same records compute the same similarity. One byte
a dimension changes a cosine by some 0.001 (measured with 384 and with 1,024 dimensions).
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any

from schemas.vectors import Vector

LARGEST = 127


def packed(values: Sequence[float]) -> bytes:
    """A signed byte for each number, scaled so that the largest is 127 or -127. Raises ValueError when
    they have no direction: none, all zero, or not finite."""
    import numpy as np  # imported only here: a queue without vectors does not need it

    found = np.asarray(values, dtype=np.float64)
    largest = float(np.abs(found).max(initial=0.0))
    if not 0 < largest < float("inf"):
        raise ValueError("a vector without a direction")
    return np.rint(found * (LARGEST / largest)).astype(np.int8).tobytes()


def cosine(a: Vector, b: Vector) -> float | None:
    """The cosine of two vectors, in [-1, 1]; None when different embedders made them, or one has no direction."""
    if a.by != b.by or len(a.parts) != len(b.parts):
        return None
    one, other = _numbers(a), _numbers(b)
    lengths = int(one @ one) * int(other @ other)
    return int(one @ other) / sqrt(lengths) if lengths else None


def _numbers(vector: Vector) -> Any:
    import numpy as np

    return np.frombuffer(vector.parts, dtype=np.int8).astype(np.int64)
