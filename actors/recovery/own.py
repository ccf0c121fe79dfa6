"""Repairs that a configuration brings: words, or a function of the user's that finds them for each rejected draft.

Law: whatever such a function does, the order gets its next attempt. One that raises, or gives what is no directive, is
told in the log and with the choice, and the draft is asked for again without words.
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
"""Characters: a directive is a sentence or a few, and every later record of the order holds it."""
LONGEST_NOTE = 300
"""Characters of a note that are kept."""


class BadDirective(Exception):
    """What a function gave is no directive."""


def worded(words: str) -> Repairer:
    """The repair that always says these words."""
    return lambda rejected: Directive(words)


class FunctionRepair:
    """A function's repair, which never raises."""

    def __init__(self, kind: RepairKind, function: Callable[[RejectedDraft], Any]) -> None:
        self._kind = kind
        self._function = function

    def __call__(self, rejected: RejectedDraft, /) -> Directive:
        """What the function says."""
        try:
            return checked(self._function(rejected))
        except Exception as bug:  # noqa: BLE001 - anybody's code: its bug is no order's end
            why = str(bug) if isinstance(bug, BadDirective) else described(bug)
            log.warning("a repair failed", extra={"repair": self._kind, "why": why})
            return Directive(note=f"it failed, so nothing is said besides: {why}"[:LONGEST_NOTE])


def checked(said: object) -> Directive:
    """The directive that a function gave, or its words. Raises BadDirective."""
    directive = Directive(said) if isinstance(said, str) else said
    if not isinstance(directive, Directive):
        raise BadDirective(f"it gave {type(said).__name__}; a repair gives words or a Directive")
    if not isinstance(directive.words, str) or len(directive.words) > LONGEST_WORDS:
        raise BadDirective(f"its words must be a text of at most {LONGEST_WORDS:,} characters")
    heat = directive.temperature
    if heat is not None and not (isinstance(heat, int | float) and 0 <= heat <= 2):
        raise BadDirective(f"its temperature is {str(heat)[:20]}; it must be in [0, 2]")
    return Directive(directive.words, None if heat is None else float(heat), str(directive.note)[:LONGEST_NOTE])
