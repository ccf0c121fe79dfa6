"""How long a queue goes on issuing orders, from the configuration and the ledger's records.

Law: the same records and settings give the same plan, so a restarted queue goes on as before.
"""

from collections.abc import Mapping

from msgspec import Struct

from actors.counts.course import plan_ended
from schemas.ledger import CorpusEnded, Record, RunStarted, StopRaised
from schemas.stop import WHOLE, PlanEnd, Quotas


class StopTerms(Struct, frozen=True):
    """When a run stops before the end of its corpus. `accepted`: the samples of the whole run, as configured, or
    `quotas` of each stratum; `orders`: the most orders of this queue; `queues`: how many share the run. None: no such
    limit."""

    accepted: int | None = None
    orders: int | None = None
    queues: int = 1
    quotas: Quotas | None = None


class Plan:
    """A fold over the ledger's records. `ended`: why no more orders are issued; None while they are."""

    def __init__(self, terms: StopTerms) -> None:
        self._terms = terms
        self._raised: StopRaised | None = None
        self._corpus_read = False
        self.ended: PlanEnd | None = None

    def apply(self, record: Record) -> None:
        """Reads one record."""
        self.ended = plan_ended(self.ended, record)
        match record:
            case StopRaised():
                self._raised = record
            case RunStarted():
                self._corpus_read = False
            case CorpusEnded():
                self._corpus_read = True
            case _:
                pass

    @property
    def goal(self) -> Mapping[str, int] | None:
        """The accepted samples of each stratum that the whole run is to end with; None: no limit. The last that was
        asked for holds: `--more`, or a configuration that was changed since."""
        raised, configured = self._raised, self._terms.accepted
        if self._terms.quotas is not None:
            return self._terms.quotas.each
        accepted = raised.accepted if raised is not None and raised.stop == configured else configured
        return None if accepted is None else {WHOLE: accepted}

    @property
    def over(self) -> bool:
        """Whether no more orders are issued: the plan has ended, or the corpus was read since the last start."""
        return self._corpus_read or self.ended is not None

    @property
    def closed(self) -> bool:
        """Whether no attempt starts any more."""
        return self.ended in (PlanEnd.ACCEPTED, PlanEnd.ASKED)

    def is_full(self, issued: int, more: int) -> bool:
        """Whether `more` orders beside the `issued` ones are too many."""
        return self._terms.orders is not None and issued + more > self._terms.orders

    @property
    def shared(self) -> bool:
        """Whether several queues make the accepted samples, so that this one must be told its part."""
        return self.goal is not None and self._terms.queues > 1
