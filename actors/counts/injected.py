"""What became of the samples that were made bad on purpose: counted by kind, apart from everything else of a run.

Law: recall speaks of injections that are known to be bad and that every gate could judge; what nobody verified, what
turned out good and what a gate could not judge is counted beside it, never in it, whatever another gate said of it.
"""

from collections import Counter

from actors.counts.order import known_first
from schemas.injection import Injected, InjectionKind, Worth
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Record, Rejoined
from schemas.orders import Attempt
from schemas.progress import GateCatch, InjectionCount
from schemas.verdicts import KNOWN_GATES, Errored, GateName, Rejected


class InjectionTally:
    """A fold over the ledger's records. Memory does not grow."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[InjectionKind, str]] = Counter()
        self._caught: Counter[tuple[InjectionKind, GateName]] = Counter()

    @property
    def orders(self) -> int:
        """Injected orders of which an attempt is recorded."""
        return self._sum("injected")

    @property
    def contaminated(self) -> int:
        """Of these, accepted, at whatever attempt and after whatever replay."""
        return self._sum("accepted")

    def apply(self, record: Record) -> None:
        """Counts one record."""
        if not isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd) or record.attempt is None:
            return
        attempt, tag = record.attempt, record.attempt.injected
        if tag is None:
            return
        if attempt.number == 1:
            self._count(tag, "injected")
            self._first(attempt, tag)
        if isinstance(record, AcceptedEnd):
            self._count(tag, "accepted")
            if attempt.number > 1:
                self._count(tag, "repaired")
                self._count(tag, f"repaired_{tag.now.value}")

    def counts(self) -> tuple[InjectionCount, ...]:
        """Every kind that was injected."""
        return tuple(self._of(kind) for kind in InjectionKind if self._counts[(kind, "injected")])

    def _first(self, attempt: Attempt, tag: Injected) -> None:
        rejected = {said.gate for said in attempt.verdicts if isinstance(said, Rejected)}
        errored = any(isinstance(said, Errored) for said in attempt.verdicts)
        if not attempt.verdicts or errored:
            self._count(tag, "errored")
        elif tag.now is not Worth.BAD:
            self._count(tag, "harmless" if tag.now is Worth.GOOD else "unverified")
        elif rejected:
            self._count(tag, "caught")
            self._caught.update((tag.kind, gate) for gate in rejected)
        else:
            self._count(tag, "missed")

    def _of(self, kind: InjectionKind) -> InjectionCount:
        counted = {what: self._counts[(kind, what)] for what in _COUNTED}
        gates = known_first((gate for of, gate in self._caught if of is kind), KNOWN_GATES)
        by_gate = tuple(GateCatch(gate, self._caught[(kind, gate)]) for gate in gates)
        return InjectionCount(kind=kind, by_gate=by_gate, **counted)

    def _count(self, tag: Injected, what: str) -> None:
        self._counts[(tag.kind, what)] += 1

    def _sum(self, what: str) -> int:
        return sum(self._counts[(kind, what)] for kind in InjectionKind)


_COUNTED = (
    "injected", "caught", "missed", "errored", "unverified", "harmless", "accepted", "repaired", "repaired_bad",
)  # fmt: skip
