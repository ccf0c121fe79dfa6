"""One fold over the ledger's records gives every count anywhere: live view, status, manifest, report and verify.

Law: applying the same records in the same order gives the same summary; no count is kept in two places. Probes are in
the costs, and in a count of their own.
"""

from collections import Counter

from msgspec import Struct

from actors.counts.credits import CreditTally
from actors.counts.distributions import AttemptDistributions
from actors.counts.end_words import EndWordsCount
from actors.counts.order import known_first
from actors.counts.overlap import OverlapTally
from actors.counts.probes import ProbeTally
from actors.counts.refusals import Refusals
from actors.counts.run_clock import RunClock
from schemas.credit import ROLLOUTS
from schemas.distributions import AttemptEnd, Distributions
from schemas.errors import ErrorKind, LedgerError
from schemas.ids import OrderId
from schemas.ledger import (
    AcceptedEnd,
    CorpusEnded,
    CreditBegun,
    Credited,
    DeadLetteredEnd,
    Planned,
    ProbeEnded,
    ProbeIssued,
    ProbeRejoined,
    Reconfigured,
    Record,
    Refused,
    Rejoined,
    Reopened,
    Rescored,
    Rolled,
    RunStarted,
    ShardWritten,
    StaleReport,
    Voided,
)
from schemas.orders import STALE, Attempt, EndReason, OrderKind, calls_of, cost_of
from schemas.probes import PROBES
from schemas.progress import (
    Counts,
    EndCount,
    EngineErrors,
    GateErrors,
    GateVerdicts,
    KindCount,
    MalformedCount,
    ModeCount,
    RepairStat,
    Retrieval,
    RoleCost,
    Spent,
    Summary,
)
from schemas.recovery import KNOWN_MODES, FailureMode, RepairKind
from schemas.samples import Cost, MalformedReason
from schemas.verdicts import Errored, GateName, Passed, Rejected, Verdict, asks_a_model


class _Standing(Struct):
    """What must be known of an outstanding order to count its next record."""

    kind: OrderKind
    planned_at: float
    ready_at: float
    diagnosed: FailureMode | None = None
    rejected: bool = False


class Tally:
    """Memory grows with outstanding orders and refused documents, not with the run."""

    def __init__(self, distributions: AttemptDistributions | None = None) -> None:
        self._counts: Counter[str] = Counter()
        self._distributions = AttemptDistributions() if distributions is None else distributions
        self._costs: dict[tuple[str, AttemptEnd], tuple[int, Cost]] = {}
        self._issued: Counter[OrderKind] = Counter()
        self._accepts: Counter[OrderKind] = Counter()
        self._verdicts: Counter[tuple[GateName, type[Verdict]]] = Counter()
        self._engine_errors: Counter[ErrorKind] = Counter()
        self._overlap = OverlapTally()
        self._retrieval: Counter[str] = Counter()
        self._credit = CreditTally()
        self._probes = ProbeTally()
        self._modes: Counter[FailureMode] = Counter()
        self._malformed: Counter[MalformedReason] = Counter()
        self._repairs: Counter[tuple[FailureMode, RepairKind, str]] = Counter()
        self._ends: Counter[tuple[OrderKind, EndReason]] = Counter()
        self._errors: Counter[tuple[GateName, ErrorKind]] = Counter()
        self._end_words = EndWordsCount()
        self._clock = RunClock()
        self._standing: dict[OrderId, _Standing] = {}
        self._corpus_ended = False
        self._skipped: dict[str, int] = {}
        self._refusals = Refusals()
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
        self._clock.apply(record)
        self._beside(record)
        match record:
            case RunStarted():
                self._started_at = record.at if self._started_at is None else self._started_at
            case Planned():
                self._corpus_ended = False  # the corpus has grown, and is not read to its end again
                self._planned(record)
            case CorpusEnded():
                self._corpus_ended, self._skipped = True, record.skipped
            case Rejoined():
                standing = self._outstanding(record.order_id)
                self._attempted(standing, record.attempt, _failed_as(record.attempt))
                standing.ready_at = record.at
            case AcceptedEnd():
                standing = self._ended(record.order_id)
                self._attempted(standing, record.attempt, AttemptEnd.ACCEPTED)
                self._accepted(standing, record)
            case DeadLetteredEnd():
                self._dead_lettered(self._ended(record.order_id), record)
            case Reopened():
                self._reopened(record)
            case Rescored():
                self._accepts[self._ended(record.order_id).kind] += 1
                self._counts["accepted"] += 1
            case (
                ShardWritten()
                | Reconfigured()
                | ProbeIssued()
                | ProbeRejoined()
                | ProbeEnded()
                | CreditBegun()
                | Rolled()
                | Credited()
                | StaleReport()
                | Refused()
                | Voided()
            ):
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
            refused_documents=len(self._refusals),
            read_again_documents=self._refusals.read_again,
            reopened=counted["reopened"],
        )
        return Summary(
            counts=counts,
            roles=self._role_costs(),
            overlap=self._overlap.overlap(),
            modes=tuple(ModeCount(mode, self._modes[mode]) for mode in known_first(self._modes, KNOWN_MODES)),
            malformed=tuple(MalformedCount(why, count) for why, count in _in_order(self._malformed)),
            repairs=self._repair_stats(),
            ends=self._end_counts(tuple(OrderKind)),
            errors=tuple(GateErrors(gate, kind, count) for (gate, kind), count in self._errors.items()),
            engine_errors=tuple(EngineErrors(kind, count) for kind, count in self._engine_errors.items()),
            spent=tuple(
                Spent(role, end, calls, cost.prompt_tokens, cost.completion_tokens, cost.seconds)
                for (role, end), (calls, cost) in self._costs.items()
            ),
            kinds=tuple(
                KindCount(kind, issued, self._accepts[kind], self._end_counts((kind,)))
                for kind, issued in self._issued.items()
            ),
            verdicts=self._gate_verdicts(),
            credit=self._credit.counts(),
            probes=self._probes.probes(),
            retrieval=Retrieval(searches=self._retrieval["searches"], hits=self._retrieval["hits"]),
            refusals=self._refusals.counts(),
            skipped_files=self._skipped,
            corpus_ended=self._corpus_ended,
            started_at=self._started_at,
            first_accepted_at=self._first_accepted_at,
            last_at=self._last_at,
            worked_s=self._clock.seconds,
            end_words=self._end_words.counts(),
        )

    def distributions(self) -> Distributions:
        """Durations and scores counted so far."""
        return self._distributions.distributions()

    def _beside(self, record: Record) -> None:
        """What is counted apart from the orders; rollouts are spent on what was rejected."""
        self._refusals.apply(record)
        self._probes.apply(record)
        if isinstance(record, ProbeRejoined | ProbeEnded):
            self._pay_probe(record)
        self._credit.apply(record)
        if isinstance(record, Rolled):
            self._pay(ROLLOUTS, AttemptEnd.REJECTED, record.cost)
        elif isinstance(record, StaleReport):
            self._pay(STALE, AttemptEnd.REJECTED, record.cost)

    def _planned(self, record: Planned) -> None:
        self._counts["issued"] += len(record.orders)
        for order in record.orders:
            self._issued[order.kind] += 1
            self._standing[order.id] = _Standing(order.kind, record.at, record.at)

    def _outstanding(self, order_id: OrderId) -> _Standing:
        standing = self._standing.get(order_id)
        if standing is None:
            raise LedgerError(f"the ledger ends or repairs order {order_id}, which is not outstanding")
        return standing

    def _ended(self, order_id: OrderId) -> _Standing:
        standing = self._outstanding(order_id)
        del self._standing[order_id]
        return standing

    def _accepted(self, standing: _Standing, record: AcceptedEnd) -> None:
        self._counts["accepted"] += 1
        self._accepts[standing.kind] += 1
        self._distributions.ended(AttemptEnd.ACCEPTED, record.at - standing.planned_at)
        if record.attempt.number == 1:
            self._counts["first_pass"] += 1
        if standing.rejected:
            self._counts["recovered"] += 1
        if self._first_accepted_at is None:
            self._first_accepted_at = record.at

    def _dead_lettered(self, standing: _Standing, record: DeadLetteredEnd) -> None:
        if record.attempt is not None:
            end = _failed_as(record.attempt)
            self._attempted(standing, record.attempt, end)
            self._distributions.ended(end, record.at - standing.planned_at)
        self._counts["dead_lettered"] += 1
        self._ends[(standing.kind, record.end.reason)] += 1
        self._end_words.add(record.end)
        if record.end.reason is EndReason.ENGINE_ERROR and record.end.error is not None:
            self._engine_errors[record.end.error] += 1

    def _reopened(self, record: Reopened) -> None:
        """Its end is undone; what its attempts were and cost stays counted. Its time begins anew."""
        self._counts["reopened"] += 1
        self._counts["dead_lettered"] -= 1
        self._ends[(record.order.kind, record.end.reason)] -= 1
        self._end_words.take_back(record.end)
        diagnosed = [FailureMode(past.mode) for past in record.history if past.mode]
        self._standing[record.order_id] = _Standing(
            record.order.kind, record.at, record.at, diagnosed[-1] if diagnosed else None, record.rejected
        )

    def _attempted(self, standing: _Standing, attempt: Attempt, end: AttemptEnd) -> None:
        self._counts["attempts"] += 1
        for call in calls_of(attempt):
            self._pay(call.pool, end, call.cost)
        for verdict in attempt.verdicts:
            self._verdicts[(verdict.gate, type(verdict))] += 1
            if asks_a_model(verdict):
                self._pay(verdict.gate, end, verdict.cost)
            if isinstance(verdict, Errored):
                self._errors[(verdict.gate, verdict.error)] += 1
        self._distributions.attempted(attempt, end, standing.ready_at)
        self._overlap.add(attempt.verdicts)
        self._search(attempt.verdicts)
        self._repaired(standing.diagnosed, attempt, end)
        if not standing.rejected and any(isinstance(verdict, Rejected) for verdict in attempt.verdicts):
            standing.rejected = True
            self._counts["rejected"] += 1
        if attempt.diagnosis is not None:
            self._diagnosed(attempt, attempt.diagnosis.mode)
            standing.diagnosed = attempt.diagnosis.mode

    def _diagnosed(self, attempt: Attempt, mode: FailureMode) -> None:
        self._modes[mode] += 1
        if attempt.candidate is not None and attempt.candidate.malformed_reason is not None:
            self._malformed[attempt.candidate.malformed_reason] += 1

    def _repaired(self, before: FailureMode | None, attempt: Attempt, end: AttemptEnd) -> None:
        if attempt.repair is None or before is None:
            return
        self._repairs[(before, attempt.repair.kind, "tried")] += 1
        if end is AttemptEnd.ACCEPTED:
            self._repairs[(before, attempt.repair.kind, "accepted")] += 1

    def _search(self, verdicts: tuple[Verdict, ...]) -> None:
        for verdict in verdicts:
            shown = None if isinstance(verdict, Errored) else verdict.evidence.shown
            if shown is not None and shown.searched:
                self._retrieval["searches"] += 1
                self._retrieval["hits"] += shown.rank is not None

    def _pay_probe(self, record: ProbeRejoined | ProbeEnded) -> None:
        """What probes take is paid for under a role of its own."""
        paid = Cost() if record.attempt is None else cost_of(record.attempt)
        if record.attempt is not None and paid != Cost():
            rejected = any(isinstance(said, Rejected) for said in record.attempt.verdicts)
            errored = any(isinstance(said, Errored) for said in record.attempt.verdicts)
            end = AttemptEnd.REJECTED if rejected else AttemptEnd.ERRORED if errored else AttemptEnd.ACCEPTED
            self._pay(PROBES, end, paid)

    def _pay(self, role: str, end: AttemptEnd, cost: Cost) -> None:
        calls, paid = self._costs.get((role, end), (0, Cost()))
        self._costs[(role, end)] = (calls + 1, paid + cost)

    def _role_costs(self) -> tuple[RoleCost, ...]:
        roles: dict[str, tuple[int, Cost]] = {}
        for (role, _), (calls, cost) in self._costs.items():
            before, paid = roles.get(role, (0, Cost()))
            roles[role] = (before + calls, paid + cost)
        return tuple(
            RoleCost(role, calls, cost.prompt_tokens, cost.completion_tokens, cost.seconds, cost.estimated_tokens)
            for role, (calls, cost) in sorted(roles.items())
        )

    def _end_counts(self, kinds: tuple[OrderKind, ...]) -> tuple[EndCount, ...]:
        counted = ((reason, sum(self._ends[(kind, reason)] for kind in kinds)) for reason in EndReason)
        return tuple(EndCount(reason, orders) for reason, orders in counted if orders)

    def _gate_verdicts(self) -> tuple[GateVerdicts, ...]:
        gates = dict.fromkeys(gate for gate, _ in self._verdicts)
        said = self._verdicts
        return tuple(
            GateVerdicts(gate, said[(gate, Passed)], said[(gate, Rejected)], said[(gate, Errored)]) for gate in gates
        )

    def _repair_stats(self) -> tuple[RepairStat, ...]:
        pairs = {(mode, repair) for mode, repair, _ in self._repairs}
        return tuple(
            RepairStat(mode, repair, self._repairs[(mode, repair, "tried")], self._repairs[(mode, repair, "accepted")])
            for mode, repair in sorted(pairs, key=lambda pair: (pair[0], pair[1]))
        )


def _failed_as(attempt: Attempt) -> AttemptEnd:
    """What an attempt was that was not accepted."""
    errored = attempt.candidate is None or any(isinstance(verdict, Errored) for verdict in attempt.verdicts)
    return AttemptEnd.ERRORED if errored else AttemptEnd.REJECTED


def _in_order(counts: Counter[MalformedReason]) -> list[tuple[MalformedReason, int]]:
    return [(reason, counts[reason]) for reason in MalformedReason if counts[reason]]
