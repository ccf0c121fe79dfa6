"""Which path each order took: what the flow figure draws. Law: an order is in one path; the paths add up to issued."""

from collections import Counter

from actors.dataset.report.flow import PASSING, Path
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rejoined
from schemas.orders import Attempt
from schemas.verdicts import Rejected

STOPPED = "not repaired"
"""Rejected at the first attempt, and the policy asked for no repair."""


class Paths:
    """Memory grows with the orders that wait for a repair, not with the run."""

    def __init__(self) -> None:
        self._issued = 0
        self._waiting: dict[OrderId, str] = {}
        self._ended: Counter[tuple[bool, str, str]] = Counter()

    def apply(self, record: Record) -> None:
        """Follows one record."""
        match record:
            case Planned():
                self._issued += len(record.orders)
            case Rejoined():
                repair = record.attempt.choice.repair if record.attempt.choice else None
                self._waiting.setdefault(record.order_id, repair.kind.value if repair else STOPPED)
            case AcceptedEnd():
                first = self._waiting.pop(record.order_id, None)
                end = "first_pass" if record.attempt.number == 1 else "recovered"
                rejected = end == "recovered"
                if record.attempt.injected is not None:
                    end = "contaminated"
                self._ended[(rejected, first or STOPPED, end)] += 1
            case DeadLetteredEnd():
                first = self._waiting.pop(record.order_id, None)
                rejected = first is not None or _was_rejected(record.attempt)
                self._ended[(rejected, first or STOPPED, "dead_lettered")] += 1
            case _:
                pass

    def full(self) -> Counter[Path]:
        """issued → rejected or not → first repair → end."""
        return self._paths(repairs=True)

    def brief(self) -> Counter[Path]:
        """The same without the repairs."""
        return self._paths(repairs=False)

    def _paths(self, *, repairs: bool) -> Counter[Path]:
        found: Counter[Path] = Counter()
        for (rejected, repair, end), number in self._all().items():
            through = f"{PASSING}{end}"
            middle = ["rejected", repair] if rejected else [through, through]
            found[("issued", *(middle if repairs else middle[:1]), end)] += number
        return found

    def _all(self) -> Counter[tuple[bool, str, str]]:
        everything = self._ended.copy()
        for repair in self._waiting.values():
            everything[(True, repair, "outstanding")] += 1
        untouched = self._issued - sum(everything.values())
        if untouched > 0:
            everything[(False, STOPPED, "outstanding")] += untouched
        return everything


def _was_rejected(attempt: Attempt | None) -> bool:
    return attempt is not None and any(isinstance(said, Rejected) for said in attempt.verdicts)
