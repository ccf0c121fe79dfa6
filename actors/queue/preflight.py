"""The options of a launch beside its configuration, and how a queue leases little while the first completions and
verdicts are checked.

Law: a queue that holds back leases `IN_HAND` orders and no more before so many attempts are recorded, then as many
again, for at most `MOST_ATTEMPTS` attempts of the run; nothing else waits. It decides from the counts of durable
records alone. So a restarted queue decides the same, and roles that an earlier launch has checked are not checked
again.
"""

from msgspec import Struct

from actors.counts.advice import advice_of, all_looked_at
from actors.counts.firsts import LOOKED_AT
from actors.queue.documents import Changed
from schemas.firsts import Preflight
from schemas.progress import Summary

IN_HAND = LOOKED_AT
MOST_ATTEMPTS = 4 * LOOKED_AT
"""After this many attempts the queue does not wait any more for a gate that few drafts reach."""


class LaunchTerms(Struct, frozen=True):
    """`changed`: for documents that changed after their passages were planned, plan nothing more or the new passages.
    `preflight`: what the run does when the first completions or verdicts are bad. `more`: a finished run goes on to so
    many more accepted samples."""

    changed: Changed = "skip"
    preflight: Preflight = Preflight.TELL
    more: int | None = None


class Hold:
    """Limits the leases of one queue during the preflight."""

    def __init__(self, preflight: Preflight, before: Summary) -> None:
        """`before`: the counts of the ledger when the queue started."""
        self.holds = preflight is Preflight.STOP and not _decided(before)

    def room(self, limit: int, leased: int, summary: Summary) -> int | None:
        """How many of `limit` orders may be leased beside the `leased` ones; None: the run must stop."""
        if not self.holds:
            return limit
        if advice_of(summary):
            return None
        if _decided(summary):
            self.holds = False
            return limit
        recorded = summary.counts.attempts
        return max(0, min(limit, IN_HAND - recorded % IN_HAND - leased))


def _decided(summary: Summary) -> bool:
    return bool(advice_of(summary)) or all_looked_at(summary) or summary.counts.attempts >= MOST_ATTEMPTS
