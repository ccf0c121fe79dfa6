"""What became of the solutions that were credited: one fold over the ledger's records. Memory does not grow.

Law: every credit that began is open or labelled; rollouts are counted here and nowhere else.
"""

from collections import Counter

from schemas.credit import CreditLabel, Stop
from schemas.ledger import CreditBegun, Credited, Record, Rolled
from schemas.progress import CreditCount
from schemas.samples import Cost


class CreditTally:
    """Counts of credits and rollouts."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self.cost = Cost()

    def apply(self, record: Record) -> None:
        """Counts one record."""
        match record:
            case CreditBegun():
                self._counts["begun"] += 1
            case Rolled():
                self._counts["rollouts"] += 1
                self._counts["right" if record.right else "failed" if record.right is None else "wrong"] += 1
                self.cost += record.cost
            case Credited():
                self._label(record.label)

    def counts(self) -> CreditCount:
        """Everything counted so far."""
        return CreditCount(tokens=self.cost.tokens, **{what: self._counts[what] for what in _COUNTED})

    def _label(self, label: CreditLabel) -> None:
        self._counts["labelled"] += 1
        self._counts["decided"] += label.stopped is Stop.DECIDED
        self._counts["restartable"] += label.first_pit is not None and label.first_pit > 1
        self._counts["steps"] += label.steps - 1


_COUNTED = ("begun", "labelled", "decided", "restartable", "steps", "rollouts", "right", "wrong", "failed")
