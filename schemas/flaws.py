"""In what ways a sample can be bad, and what is known of a text without asking a gate.

Law: none of this ever reaches a gate, a diagnoser or a generator.
"""

from enum import Enum

from msgspec import Struct


class FlawKind(Enum):
    """In what way a sample is bad."""

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
    """What a text is worth, by a check that is independent of the gates."""

    BAD = "bad"
    GOOD = "good"
    UNKNOWN = "unknown"
    """Nobody checked, or the check was not sure: it is in no rate."""


class Probed(Struct, frozen=True, omit_defaults=True):
    """What is known of one draft of a probe. It goes beside the attempt to the ledger."""

    worth: Worth
    flaw: FlawKind | None = None
    """In what way the first draft was made bad."""
    unfit: str = ""
    """Why the gates are not asked: the draft is not what its label says."""
