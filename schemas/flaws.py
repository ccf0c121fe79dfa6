"""Flaws of samples, and the worth of a text by a check other than the gates.

Law: none of this ever reaches a gate or a diagnoser.
"""

from enum import Enum

from msgspec import Struct


class FlawKind(Enum):
    """The ways in which a sample can be bad."""

    CONTRADICTS_SOURCE = "contradicts_source"
    """The answer contradicts the passage."""
    PARAMETRIC = "parametric"
    """The answer comes from a model's memory, and the passage says otherwise."""
    CROSS_PASSAGE = "cross_passage"
    """Question and answer state a fact of another passage of the corpus."""
    HIGH_TEMPERATURE = "high_temperature"
    """Drawn at far too high a temperature; a check decides afterwards if it is bad."""
    INSTRUCTION_QUALITY = "instruction_quality"
    """The question is vague or cut off."""
    DOMAIN_MISMATCH = "domain_mismatch"
    """Question and answer are about a subject that the corpus does not have."""
    RESPONSE_QUALITY = "response_quality"
    """The answer is hedged, cut off, vague or of the wrong sort."""


class Worth(Enum):
    """Whether a text is good or bad, by a check that is independent of the gates."""

    BAD = "bad"
    GOOD = "good"
    UNKNOWN = "unknown"
    """The text was not checked, or the check was not sure: it is in no rate."""


class Probed(Struct, frozen=True, omit_defaults=True):
    """The worth and flaw of one draft of a probe. A report carries it beside the attempt."""

    worth: Worth
    flaw: FlawKind | None = None
    """The flaw that the first draft was given."""
    unfit: str = ""
    """Why the gates are not asked: the draft does not agree with its label. Empty: they are asked."""
