"""Counts of diagnoses, and of repairs tried and accepted, with their tokens. Law: a repair counts for the diagnosis
before it."""

from collections import Counter

from actors.counts.entries import Entry
from actors.counts.order import known_first
from schemas.distributions import AttemptEnd
from schemas.orders import cost_of
from schemas.progress import MalformedCount, ModeCount, RepairStat, Summary
from schemas.recovery import KNOWN_MODES, FailureMode, RepairKind
from schemas.samples import MalformedReason


class FailureFold:
    """The fold. Memory grows with the modes, not with the run."""

    def __init__(self) -> None:
        self._modes: Counter[FailureMode] = Counter()
        self._malformed: Counter[MalformedReason] = Counter()
        self._tried: Counter[tuple[FailureMode, RepairKind]] = Counter()
        self._accepted: Counter[tuple[FailureMode, RepairKind]] = Counter()
        self._tokens: Counter[tuple[FailureMode, RepairKind]] = Counter()

    def apply(self, entry: Entry) -> None:
        """Counts one attempt."""
        attempt = entry.attempt
        if attempt is None or entry.order is None:
            return
        decided = entry.end is not AttemptEnd.NOT_NEEDED
        if decided and attempt.repair is not None and entry.order.diagnosed is not None:
            pair = (entry.order.diagnosed, attempt.repair.kind)
            self._tried[pair] += 1
            self._accepted[pair] += entry.end is AttemptEnd.ACCEPTED
            self._tokens[pair] += cost_of(attempt).tokens
        if attempt.diagnosis is not None:
            self._modes[attempt.diagnosis.mode] += 1
            if attempt.candidate is not None and attempt.candidate.malformed_reason is not None:
                self._malformed[attempt.candidate.malformed_reason] += 1

    def tables(self) -> Summary:
        """Everything counted so far."""
        pairs = sorted(self._tried)
        return Summary(
            modes=tuple(ModeCount(mode, self._modes[mode]) for mode in known_first(self._modes, KNOWN_MODES)),
            malformed=tuple(
                MalformedCount(why, self._malformed[why]) for why in MalformedReason if self._malformed[why]
            ),
            repairs=tuple(
                RepairStat(*pair, self._tried[pair], self._accepted[pair], self._tokens[pair]) for pair in pairs
            ),
        )
