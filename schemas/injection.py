"""Samples made bad on purpose, so that it can be measured what the gates catch.

Law: the tag lies in the ledger alone. No gate, diagnoser or generator ever sees it, and what carries it is never
exported.
"""

from enum import Enum

from msgspec import Struct

from schemas.samples import Cost

CHECKS = "injection"
"""The role under which the independent checks of injected samples are paid for."""


class InjectionKind(Enum):
    """In what way a sample was made bad."""

    CONTRADICTS_SOURCE = "contradicts_source"
    """The answer is another value than the passage's."""
    PARAMETRIC = "parametric"
    """The answer is what a model remembers, which the passage has otherwise."""
    CROSS_PASSAGE = "cross_passage"
    """Question and answer state a fact of another passage of the corpus."""
    HIGH_TEMPERATURE = "high_temperature"
    """Drawn far too hot; whether it came out bad is seen afterwards."""
    INSTRUCTION_QUALITY = "instruction_quality"
    """The question is vague or cut off."""
    DOMAIN_MISMATCH = "domain_mismatch"
    """Question and answer are about something that the corpus does not speak of."""
    RESPONSE_QUALITY = "response_quality"
    """The answer is hedged, cut off, vague or of the wrong sort."""


class Worth(Enum):
    """What a check that is independent of the gates says of one attempt's text."""

    BAD = "bad"
    GOOD = "good"
    UNKNOWN = "unknown"
    """Nobody checked, or the check was not sure: such an injection is in no rate."""


class Injected(Struct, frozen=True, omit_defaults=True):
    """The tag of every attempt of an injected order: how its first attempt was spoilt, and what this text is worth.

    The kind follows the order through every repair ("was injected"); `now` is this attempt's own ("is bad now").
    """

    kind: InjectionKind
    now: Worth
    cost: Cost = Cost()
    """Of the independent check."""
