"""Reads the ledger's records as decisions: the options, the choice with its probability, and the outcome.

Law: a decision is a rejection after which the policy was free to continue; when all attempts are spent there is none.
The outcome is the very next attempt's; an attempt that errored or has not ended has no outcome.
"""

from collections import Counter

from msgspec import Struct
from msgspec.structs import replace

from actors.ledger.attempts import tokens
from actors.recovery.adaptive import Arm
from actors.recovery.experience import is_judged, turn_of
from actors.recovery.modes import USUAL_GATES, RunGates, registered
from actors.recovery.repairs import WHOLE_TABLE, arms, can_escalate, ruled
from schemas.config import Recovery
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Record, Rejoined, Reopened, Rescored
from schemas.orders import Attempt
from schemas.recovery import FailureMode, RepairKind
from schemas.verdicts import Rejected


class Decision(Struct, frozen=True):
    """One logged decision. `chosen`: None for stop, which costs nothing and yields nothing."""

    order_id: OrderId
    mode: FailureMode
    options: tuple[Arm, ...]
    by: str
    chosen: Arm | None
    probability: float
    rules: RepairKind
    """The choice that the table of repairs would have made."""
    accepted: bool = False
    tokens: int = 0


class _Open(Struct):
    tried: frozenset[RepairKind] = frozenset()
    attempts_before: int = 0
    pending: Decision | None = None


class DecisionLog:
    """A fold over the ledger's records. `config` and `gates` are the run's."""

    def __init__(self, config: Recovery, gates: RunGates = USUAL_GATES) -> None:
        self._config = config
        self._repairs = registered(WHOLE_TABLE, gates, config)
        self._open: dict[OrderId, _Open] = {}
        self.decisions: list[Decision] = []
        self.forced = self.unknown = 0
        self._lost: Counter[FailureMode] = Counter()

    def apply(self, record: Record) -> None:
        """Reads one record."""
        match record:
            case Reopened():
                tried = frozenset(RepairKind(past.repair) for past in record.history if past.repair)
                self._open[record.order_id] = _Open(tried, record.attempts_before)
            case Rejoined() | AcceptedEnd() | DeadLetteredEnd() if record.attempt is not None:
                self._attempted(record, record.attempt)
        if isinstance(record, AcceptedEnd | Rescored | DeadLetteredEnd | NotNeededEnd):
            left = self._open.pop(record.order_id, None)
            if left is not None and left.pending is not None:
                self._lose(left.pending)

    @property
    def undecided(self) -> int:
        """The number of decisions whose attempt has not ended."""
        return sum(each.pending is not None for each in self._open.values())

    @property
    def lost(self) -> Counter[FailureMode]:
        """The number of repairs without a known outcome, by mode: their attempt errored, is missing or has not ended. A
        stop's outcome is always known, so without these counts repairs would weigh too little."""
        return self._lost + Counter(each.pending.mode for each in self._open.values() if each.pending is not None)

    def _lose(self, decision: Decision) -> None:
        self.unknown += 1
        self._lost[decision.mode] += 1

    def _attempted(self, record: Rejoined | AcceptedEnd | DeadLetteredEnd, attempt: Attempt) -> None:
        standing = self._open.setdefault(record.order_id, _Open())
        pending, standing.pending = standing.pending, None
        if pending is not None and is_judged(attempt):
            accepted = isinstance(record, AcceptedEnd)
            self.decisions.append(replace(pending, accepted=accepted, tokens=tokens(attempt)))
        elif pending is not None:
            self._lose(pending)
        if attempt.repair is not None:
            standing.tried |= {attempt.repair.kind}
        if not isinstance(record, AcceptedEnd):
            self._decided(record, attempt, standing)

    def _decided(self, record: Rejoined | DeadLetteredEnd, attempt: Attempt, standing: _Open) -> None:
        choice, candidate, diagnosis = attempt.choice, attempt.candidate, attempt.diagnosis
        if choice is None or candidate is None or diagnosis is None:
            return
        if not any(isinstance(verdict, Rejected) for verdict in attempt.verdicts):
            return
        charged = attempt.number - standing.attempts_before
        if charged >= self._config.max_attempts:
            self.forced += 1
            return
        mode, first = diagnosis.mode, attempt.number == 1
        found = candidate.malformed_reason if candidate.draft is None else candidate.draft
        repairs = self._repairs.knowing(choice.known, choice.forms)
        open_to_it = arms(mode, found, self._config, repairs)
        options = [Arm(kind, turn_of(kind, standing.tried, first=first)) for kind in open_to_it]
        chosen = None
        if choice.repair is not None:
            chosen = Arm(choice.repair.kind, turn_of(choice.repair.kind, standing.tried, first=first))
        escalates = charged + 1 >= self._config.max_attempts and can_escalate(self._config)
        rules = ruled(mode, standing.tried, found, repairs, escalates=escalates)
        made = Decision(record.order_id, mode, tuple(options), choice.policy, chosen, choice.probability, rules)
        if chosen is None:
            self.decisions.append(made)
        elif isinstance(record, Rejoined):
            standing.pending = made
        else:
            self._lose(made)
