"""What every part of a configuration is made of. Law: unknown keys are refused, bounds are in the types."""

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(gt=0)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class Config(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part of a configuration."""
