"""One fold over the ledger's records gives every count anywhere: live view, status, manifest, report and verify.

Law: applying the same records in the same order gives the same summary; no count is kept in two places.
"""

from collections import Counter

from schemas.errors import ErrorKind
from schemas.ids import OrderId
from schemas.ledger import (
    AcceptedEnd,
    CorpusEnded,
    DeadLetteredEnd,
    Planned,
    Reconfigured,
    Record,
    Refused,
    Rejoined,
    Reopened,
    RunStarted,
    ShardWritten,
)
from schemas.orders import Attempt, EndReason
from schemas.progress import Counts, EndCount, GateErrors, GateOverlap, ModeCount, RepairStat, RoleCost, Summary
from schemas.recovery import FailureMode, RepairKind
from schemas.samples import Cost
from schemas.verdicts import Errored, GateName, Rejected, Verdict

_MODEL_GATES = (GateName.FAITHFULNESS, GateName.REWARD)


class Tally:
    """Memory grows with outstanding orders that were rejected, not with the run."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._costs: dict[str, tuple[int, Cost]] = {}
        self._overlap: Counter[str] = Counter()
        self._modes: Counter[FailureMode] = Counter()
        self._repairs: Counter[tuple[FailureMode, RepairKind, str]] = Counter()
        self._ends: Counter[EndReason] = Counter()
        self._errors: Counter[tuple[GateName, ErrorKind]] = Counter()
        self._diagnosed: dict[OrderId, FailureMode] = {}
        self._rejected: set[OrderId] = set()
        self._corpus_ended = False
        self._started_at: float | None = None
        self._first_accepted_at: float | None = None
        self._last_at: float | None = None

    @property
    def tokens(self) -> int:
        """Of all roles so far."""
        return sum(cost.tokens for _, cost in self._costs.values())

    def apply(self, record: Record) -> None:
        """Counts one record."""
        self._last_at = record.at
        match record:
            case RunStarted():
                self._started_at = record.at if self._started_at is None else self._started_at
            case Planned():
                self._counts["issued"] += len(record.orders)
            case Refused():
                self._counts["refused_documents"] += 1
            case CorpusEnded():
                self._corpus_ended = True
            case Rejoined():
                self._attempted(record.order_id, record.attempt, accepted=False)
            case AcceptedEnd():
                self._attempted(record.order_id, record.attempt, accepted=True)
                self._accepted(record)
            case DeadLetteredEnd():
                self._dead_lettered(record)
            case Reopened():
                self._reopened(record)
            case ShardWritten() | Reconfigured():
                pass

    def summary(self) -> Summary:
        """Everything counted so far."""
        counted = self._counts
        counts = Counts(
            issued=counted["issued"],
            accepted=counted["accepted"],
            dead_lettered=counted["dead_lettered"],
            outstanding=counted["issued"] - counted["accepted"] - counted["dead_lettered"],
            first_pass=counted["first_pass"],
            rejected=counted["rejected"],
            recovered=counted["recovered"],
            attempts=counted["attempts"],
            refused_documents=counted["refused_documents"],
            reopened=counted["reopened"],
        )
        return Summary(
            counts=counts,
            roles=tuple(_role_cost(role, calls, cost) for role, (calls, cost) in sorted(self._costs.items())),
            overlap=GateOverlap(
                scored=self._overlap["scored"],
                both=self._overlap["both"],
                only_faithfulness=self._overlap["only_faithfulness"],
                only_reward=self._overlap["only_reward"],
            ),
            modes=tuple(ModeCount(mode, self._modes[mode]) for mode in FailureMode if self._modes[mode]),
            repairs=self._repair_stats(),
            ends=tuple(EndCount(reason, self._ends[reason]) for reason in EndReason if self._ends[reason]),
            errors=tuple(GateErrors(gate, kind, count) for (gate, kind), count in self._errors.items()),
            corpus_ended=self._corpus_ended,
            started_at=self._started_at,
            first_accepted_at=self._first_accepted_at,
            last_at=self._last_at,
        )

    def _accepted(self, record: AcceptedEnd) -> None:
        self._counts["accepted"] += 1
        if record.attempt.number == 1:
            self._counts["first_pass"] += 1
        if record.order_id in self._rejected:
            self._counts["recovered"] += 1
        if self._first_accepted_at is None:
            self._first_accepted_at = record.at
        self._forget(record.order_id)

    def _dead_lettered(self, record: DeadLetteredEnd) -> None:
        if record.attempt is not None:
            self._attempted(record.order_id, record.attempt, accepted=False)
        self._counts["dead_lettered"] += 1
        self._ends[record.end.reason] += 1
        self._forget(record.order_id)

    def _reopened(self, record: Reopened) -> None:
        """Its end is undone; what its attempts were and cost stays counted."""
        self._counts["reopened"] += 1
        self._counts["dead_lettered"] -= 1
        self._ends[record.end.reason] -= 1
        if record.rejected:
            self._rejected.add(record.order_id)
        diagnosed = [past.mode for past in record.history if past.mode]
        if diagnosed:
            self._diagnosed[record.order_id] = FailureMode(diagnosed[-1])

    def _attempted(self, order_id: OrderId, attempt: Attempt, *, accepted: bool) -> None:
        self._counts["attempts"] += 1
        if attempt.candidate is not None:
            self._pay(attempt.candidate.pool, attempt.candidate.cost)
        for verdict in attempt.verdicts:
            if verdict.gate in _MODEL_GATES:
                self._pay(verdict.gate.value, verdict.cost)
            if isinstance(verdict, Errored):
                self._errors[(verdict.gate, verdict.error)] += 1
        self._compare(attempt.verdicts)
        self._repaired(order_id, attempt, accepted=accepted)
        if any(isinstance(verdict, Rejected) for verdict in attempt.verdicts) and order_id not in self._rejected:
            self._rejected.add(order_id)
            self._counts["rejected"] += 1
        if attempt.diagnosis is not None:
            self._modes[attempt.diagnosis.mode] += 1
            self._diagnosed[order_id] = attempt.diagnosis.mode

    def _repaired(self, order_id: OrderId, attempt: Attempt, *, accepted: bool) -> None:
        before = self._diagnosed.get(order_id)
        if attempt.repair is None or before is None:
            return
        self._repairs[(before, attempt.repair.kind, "tried")] += 1
        if accepted:
            self._repairs[(before, attempt.repair.kind, "accepted")] += 1

    def _compare(self, verdicts: tuple[Verdict, ...]) -> None:
        said = {verdict.gate: verdict for verdict in verdicts if not isinstance(verdict, Errored)}
        if not all(gate in said for gate in _MODEL_GATES):
            return
        self._overlap["scored"] += 1
        unfaithful, poor = (isinstance(said[gate], Rejected) for gate in _MODEL_GATES)
        if unfaithful and poor:
            self._overlap["both"] += 1
        elif unfaithful:
            self._overlap["only_faithfulness"] += 1
        elif poor:
            self._overlap["only_reward"] += 1

    def _pay(self, role: str, cost: Cost) -> None:
        calls, paid = self._costs.get(role, (0, Cost()))
        self._costs[role] = (calls + 1, paid + cost)

    def _forget(self, order_id: OrderId) -> None:
        self._rejected.discard(order_id)
        self._diagnosed.pop(order_id, None)

    def _repair_stats(self) -> tuple[RepairStat, ...]:
        pairs = {(mode, repair) for mode, repair, _ in self._repairs}
        return tuple(
            RepairStat(mode, repair, self._repairs[(mode, repair, "tried")], self._repairs[(mode, repair, "accepted")])
            for mode, repair in sorted(pairs, key=lambda pair: (pair[0].value, pair[1].value))
        )


def _role_cost(role: str, calls: int, cost: Cost) -> RoleCost:
    return RoleCost(role, calls, cost.prompt_tokens, cost.completion_tokens, cost.seconds)
