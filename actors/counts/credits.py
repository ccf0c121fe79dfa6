"""Counts of credited solutions and rollouts: one fold over the ledger's records. Memory does not grow.

Law: every credit that began is open or labelled. The results of rollouts are counted only here.
"""

from collections import Counter

from actors.counts.entries import Entry
from schemas.credit import CreditCount, CreditLabel, Stop
from schemas.ledger import CreditBegun, Credited, Rolled
from schemas.progress import Summary


class CreditFold:
    """Counts of credits and rollouts."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def apply(self, entry: Entry) -> None:
        """Counts one record."""
        match entry.record:
            case CreditBegun():
                self._counts["begun"] += 1
            case Rolled() as record:
                self._counts["rollouts"] += 1
                self._counts["right" if record.right else "failed" if record.right is None else "wrong"] += 1
                self._counts["tokens"] += record.cost.tokens
            case Credited(label=label):
                self._label(label)

    def tables(self) -> Summary:
        """Everything counted so far."""
        return Summary(credit=CreditCount(**self._counts))

    def _label(self, label: CreditLabel) -> None:
        self._counts["labelled"] += 1
        self._counts["decided"] += label.stopped is Stop.DECIDED
        self._counts["restartable"] += label.first_pit is not None and label.first_pit > 1
        self._counts["steps"] += label.steps - 1
