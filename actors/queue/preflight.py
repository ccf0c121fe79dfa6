"""What a launch asks for beside its configuration, and how a queue holds back while the first completions and verdicts
are looked at.

Law: a held queue has at most `IN_HAND` orders leased at once, for at most `MOST_ATTEMPTS` attempts of the run; nothing
else waits. It decides from the counts of durable records alone: a queue that is made again decides the same, and what
an earlier launch has looked at is not looked at again.
"""

from msgspec import Struct

from actors.counts.advice import advice_of, all_looked_at
from actors.counts.firsts import LOOKED_AT
from actors.queue.documents import Changed
from schemas.firsts import Preflight
from schemas.progress import Summary

IN_HAND = LOOKED_AT
MOST_ATTEMPTS = 4 * LOOKED_AT
"""A gate that few drafts reach is waited for so long."""


class LaunchTerms(Struct, frozen=True):
    """`changed`: of documents that are not what they were when their passages were planned, plan nothing more, or the
    new ones. `preflight`: what is done when the first completions or verdicts are bad."""

    changed: Changed = "skip"
    preflight: Preflight = Preflight.TELL


class Hold:
    """Of one queue."""

    def __init__(self, preflight: Preflight, before: Summary) -> None:
        """`before`: what the ledger held when the queue was made."""
        self.holds = preflight is Preflight.STOP and not _decided(before)

    def room(self, limit: int, leased: int, summary: Summary) -> int | None:
        """How many of `limit` orders may be leased beside the `leased` ones; None: the run is to stop here."""
        if not self.holds:
            return limit
        if advice_of(summary):
            return None
        if _decided(summary):
            self.holds = False
            return limit
        return max(0, min(limit, IN_HAND - leased))


def _decided(summary: Summary) -> bool:
    return bool(advice_of(summary)) or all_looked_at(summary) or summary.counts.attempts >= MOST_ATTEMPTS
