"""Repairs that a configuration brings: fixed words, or a user's function that gives words for each rejected draft.

Law: whatever such a function does, the order gets its next attempt. If it raises, or gives no valid directive, the log
and the choice say so, and the draft is asked for again without words.
"""

import logging
from collections.abc import Callable
from typing import Any

from actors.protocols import Repairer
from schemas.errors import described
from schemas.recovery import RepairKind
from schemas.repairs import Directive, RejectedDraft

log = logging.getLogger("gleaner.recovery")

LONGEST_WORDS = 2_000
"""In characters. A directive is a sentence or a few, and every later record of the order holds it."""
LONGEST_NOTE = 300
"""At most so many characters of a note are kept."""


class BadDirective(Exception):
    """A function gave something that is not a directive."""


def worded(words: str) -> Repairer:
    """A repair that always says these words."""
    return lambda rejected: Directive(words)


class FunctionRepair:
    """A user's function as a repair that never raises."""

    def __init__(self, kind: RepairKind, function: Callable[[RejectedDraft], Any]) -> None:
        self._kind = kind
        self._function = function

    def __call__(self, rejected: RejectedDraft, /) -> Directive:
        """The function's directive, or one without words when it fails."""
        try:
            return checked(self._function(rejected))
        except Exception as bug:  # noqa: BLE001 - a user's code: its bug must not end an order
            why = str(bug) if isinstance(bug, BadDirective) else described(bug)
            log.warning("a repair failed", extra={"repair": self._kind, "why": why})
            return Directive(note=f"it failed, so nothing is added: {why}"[:LONGEST_NOTE])


def checked(said: object) -> Directive:
    """The directive that a function gave, or one with the words that it gave. Raises BadDirective."""
    directive = Directive(said) if isinstance(said, str) else said
    if not isinstance(directive, Directive):
        raise BadDirective(f"it gave {type(said).__name__}; a repair gives words or a Directive")
    if not isinstance(directive.words, str) or len(directive.words) > LONGEST_WORDS:
        raise BadDirective(f"its words must be a text of at most {LONGEST_WORDS:,} characters")
    heat = directive.temperature
    if heat is not None and not (isinstance(heat, int | float) and 0 <= heat <= 2):
        raise BadDirective(f"its temperature is {str(heat)[:20]}; it must be in [0, 2]")
    return Directive(directive.words, None if heat is None else float(heat), str(directive.note)[:LONGEST_NOTE])
