"""Vectors of samples: what near-duplicates of a passage are compared by, where a run has an embedder."""

from collections.abc import Sequence

from msgspec import Struct

from schemas.samples import Cost, Lane

EMBEDDER = "embedder"
"""The name by which stages, metrics, costs and autoscaling know the model that makes them."""


class Vector(Struct, frozen=True):
    """A text's vector, for comparison by its direction alone. Vectors are comparable where the same `by` made them."""

    by: str
    """The embedder, as `model@digest`: it changes with the weights, the pooling and the prefix."""
    parts: bytes
    """A signed byte for each dimension; the largest is 127 or -127."""


class Encoded(Struct, frozen=True):
    """A text's vector as a model gives it, and how many tokens the model read."""

    values: Sequence[float]
    tokens: int


class Embedded(Struct, frozen=True, omit_defaults=True):
    """The vector of an attempt's draft, and what it took."""

    vector: Vector
    cost: Cost = Cost()


class EmbeddingRequest(Struct, frozen=True, omit_defaults=True):
    """A text for an embedder."""

    id: str
    text: str
    lane: Lane = Lane.SHARED
