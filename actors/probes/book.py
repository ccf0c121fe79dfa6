"""What the queue keeps of canaries: which are outstanding, and who holds them.

Law: one is issued with the record of the attempt that brought it along, in the same transaction, and ended once, by
whoever reports first; a lease that ends or whose conductor dies gives it back. Pure: facts and `now` in, records out.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from msgspec import Struct

from schemas.canaries import Canary, CanaryEnd
from schemas.errors import LedgerError
from schemas.ids import OrderId
from schemas.ledger import CanaryEnded, CanaryIssued, Record
from schemas.orders import Attempt, DeadLetter, EndReason, Holding, Lease, Order, OrderKind, Outcome
from schemas.samples import Cost
from schemas.verdicts import PROVENANCE, Errored, GateName


class BookSettings(Struct, frozen=True):
    """`judges`: the version of each gate that is measured; `kinds`: the usual gate that each is like, where that is
    another; `lease_s`: as of the queue's leases."""

    task: str
    lease_s: float = 1200.0
    judges: Mapping[GateName, str] = {}
    kinds: Mapping[GateName, GateName] = {}


class _Lent(Struct, frozen=True):
    conductor: str
    expires_at: float


class CanaryBook:
    """Memory grows with outstanding canaries: as many as first attempts were settled since the last lease."""

    def __init__(self, settings: BookSettings) -> None:
        self._settings = settings
        self._outstanding: dict[OrderId, Canary] = {}
        self._ready: deque[OrderId] = deque()
        self._lent: dict[OrderId, _Lent] = {}

    @property
    def outstanding(self) -> int:
        return len(self._outstanding)

    def issue(self, canary: Canary, now: float) -> CanaryIssued:
        """Takes one in. Raises LedgerError for one that is there already."""
        issued = CanaryIssued(now, canary)
        self.replay(issued)
        return issued

    def lease(self, now: float, conductor: str, limit: int) -> list[Lease]:
        """Up to `limit` of them, oldest first."""
        for canary_id in [canary_id for canary_id, lent in self._lent.items() if lent.expires_at <= now]:
            self._give_back(canary_id)
        leases: list[Lease] = []
        while self._ready and len(leases) < limit:
            canary = self._outstanding[self._ready.popleft()]
            leases.append(self._lend(canary, conductor, now))
        return leases

    def hold(self, conductor: str, holdings: Sequence[Holding], now: float) -> int:
        """Leases to a conductor what it works on since before this queue was made again; gives how many."""
        held = [holding.order_id for holding in holdings if holding.order_id in self._ready]
        for canary_id in held:
            self._ready.remove(canary_id)
            self._lend(self._outstanding[canary_id], conductor, now)
        return len(held)

    def release(self, conductor: str) -> int:
        """Takes back what a dead conductor held; gives how many."""
        lost = [canary_id for canary_id, lent in self._lent.items() if lent.conductor == conductor]
        for canary_id in lost:
            self._give_back(canary_id)
        return len(lost)

    def settle(self, outcome: Outcome, now: float) -> CanaryEnded | None:
        """The end of an outstanding canary; None for any other outcome."""
        canary = self._outstanding.get(outcome.order_id)
        if canary is None:
            return None
        ended = self._ended(canary, outcome, now)
        self.replay(ended)
        return ended

    def end_unleased(self, now: float, detail: str) -> list[Record]:
        """Ends what nobody holds, unjudged (a spent budget)."""
        records: list[Record] = []
        for canary_id in tuple(self._ready):
            canary = self._outstanding[canary_id]
            ended = CanaryEnded(now, canary.id, CanaryEnd.BUDGET, canary.label, canary.origin, detail=detail)
            self.replay(ended)
            records.append(ended)
        return records

    def replay(self, record: Record) -> None:
        """One record of the ledger, in order. Raises LedgerError for one that cannot be."""
        if isinstance(record, CanaryIssued):
            if record.order_id in self._outstanding:
                raise LedgerError(f"canary {record.order_id} is issued twice")
            self._outstanding[record.order_id] = record.canary
            self._ready.append(record.order_id)
        elif isinstance(record, CanaryEnded):
            if self._outstanding.pop(record.order_id, None) is None:
                raise LedgerError(f"the ledger ends canary {record.order_id}, which is not outstanding")
            if self._lent.pop(record.order_id, None) is None:
                self._ready.remove(record.order_id)

    def _lend(self, canary: Canary, conductor: str, now: float) -> Lease:
        expires_at = now + self._settings.lease_s
        self._lent[canary.id] = _Lent(conductor, expires_at)
        order = Order(canary.id, canary.passage.id, self._settings.task, 0, OrderKind.CANARY)
        return Lease(order, canary.passage, 1, expires_at, canary=canary)

    def _give_back(self, canary_id: OrderId) -> None:
        del self._lent[canary_id]
        self._ready.append(canary_id)

    def _ended(self, canary: Canary, outcome: Outcome, now: float) -> CanaryEnded:
        attempt, decision = outcome.attempt, outcome.decision
        candidate, injected = attempt.candidate, attempt.injected
        told = decision.detail if isinstance(decision, DeadLetter) else ""
        return CanaryEnded(
            at=now,
            order_id=canary.id,
            end=_end(attempt, failed=isinstance(decision, DeadLetter) and decision.reason is EndReason.INTERNAL_ERROR),
            label=canary.label,
            origin=canary.origin,
            flaw=canary.flaw if injected is None else injected.kind,
            gate=canary.gate,
            draft=None if candidate is None else candidate.draft,
            verdicts=attempt.verdicts,
            judges={gate: version for gate, version in self._settings.judges.items() if _asked(gate, attempt)},
            kinds={gate: kind for gate, kind in self._settings.kinds.items() if gate != kind and _asked(gate, attempt)},
            cost=Cost() if candidate is None else candidate.cost,
            detail=told,
        )


def _end(attempt: Attempt, *, failed: bool) -> CanaryEnd:
    if failed:
        return CanaryEnd.FAILED
    if not attempt.verdicts:
        return CanaryEnd.UNVERIFIED
    models = [said for said in attempt.verdicts if said.gate != PROVENANCE]
    return CanaryEnd.ERRORED if all(isinstance(said, Errored) for said in models) else CanaryEnd.JUDGED


def _asked(gate: GateName, attempt: Attempt) -> bool:
    return any(said.gate == gate for said in attempt.verdicts)
