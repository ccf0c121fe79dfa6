"""Vectors of samples, by which near-duplicates of a passage are found if a run has an embedder."""

from collections.abc import Sequence

from msgspec import Struct

from schemas.samples import Cost, Lane

EMBEDDER = "embedder"
"""The name of the model that makes them, in stages, metrics, costs and autoscaling."""


class Vector(Struct, frozen=True):
    """A text's vector, compared by its direction alone. Only vectors with the same `by` are comparable."""

    by: str
    """The embedder, as `model@digest`: it changes with the weights, the pooling and the prefix."""
    parts: bytes
    """A signed byte for each dimension; the largest is 127 or -127."""


class Encoded(Struct, frozen=True):
    """A text's vector as a model gives it, and how many tokens the model read."""

    values: Sequence[float]
    tokens: int


class Embedded(Struct, frozen=True, omit_defaults=True):
    """The vector of an attempt's draft, and its cost."""

    vector: Vector
    cost: Cost = Cost()


class EmbeddingRequest(Struct, frozen=True, omit_defaults=True):
    """A text for an embedder."""

    id: str
    text: str
    lane: Lane = Lane.SHARED
