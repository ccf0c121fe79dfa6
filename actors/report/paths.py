"""The path that each order took, for the flow figure. Law: an order is in one path, and the paths add up to issued."""

from collections import Counter

from actors.report.flow import PASSING, Path
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Record, Rejoined, Reopened, Rescored
from schemas.orders import Attempt
from schemas.verdicts import Rejected

STOPPED = "not repaired"
"""The order was rejected at its first attempt, and the policy asked for no repair."""
PUT_BACK = "put back"
"""The order was rejected and not repaired, but a replay put it back."""
_Ended = tuple[bool, str, str]
"""Whether the order was rejected; its first repair, or STOPPED or PUT_BACK; its end."""


class Paths:
    """Counts paths. Memory grows with the orders that wait for a repair, not with the run."""

    def __init__(self) -> None:
        self._issued = 0
        self._waiting: dict[OrderId, str] = {}
        self._unjudged: set[OrderId] = set()
        self._ended: Counter[_Ended] = Counter()

    def apply(self, record: Record) -> None:
        """Reads one record."""
        match record:
            case Planned():
                self._issued += len(record.orders)
            case Rejoined():
                repair = record.attempt.choice.repair if record.attempt.choice else None
                if self._waiting.get(record.order_id, PUT_BACK) == PUT_BACK:
                    self._waiting[record.order_id] = repair.kind if repair else STOPPED
                self._unjudged.discard(record.order_id)
            case AcceptedEnd() | DeadLetteredEnd() | NotNeededEnd():
                self._ended[self._end(record)] += 1
            case Reopened():
                self._reopen(record)
            case Rescored():
                self._unjudged.discard(record.order_id)
                self._ended[(True, self._waiting.pop(record.order_id, STOPPED), "put_back")] += 1
            case _:
                pass

    def _end(self, record: AcceptedEnd | DeadLetteredEnd | NotNeededEnd) -> _Ended:
        first = self._waiting.pop(record.order_id, None)
        unjudged = record.order_id in self._unjudged
        self._unjudged.discard(record.order_id)
        if isinstance(record, AcceptedEnd):
            again = record.attempt.number > 1 and not unjudged
            end = "put_back" if unjudged else "recovered" if again else "first_pass"
            return again, first or STOPPED, end
        rejected = first is not None or _was_rejected(record.attempt)
        end = "not_needed" if isinstance(record, NotNeededEnd) else "dead_lettered"
        return rejected, first or (PUT_BACK if rejected and unjudged else STOPPED), end

    def _reopen(self, record: Reopened) -> None:
        rejected = record.rejected or record.first_repair is not None
        first = record.first_repair if record.first_repair else None
        stopped = PUT_BACK if rejected and record.times > 1 else STOPPED
        self._ended[(rejected, first or stopped, "dead_lettered")] -= 1
        if rejected:
            self._waiting[record.order_id] = first or PUT_BACK
        else:
            self._unjudged.add(record.order_id)

    def full(self) -> Counter[Path]:
        """Paths of issued → rejected or not → first repair → end."""
        return self._paths(repairs=True)

    def brief(self) -> Counter[Path]:
        """The same paths without the repairs."""
        return self._paths(repairs=False)

    def _paths(self, *, repairs: bool) -> Counter[Path]:
        found: Counter[Path] = Counter()
        for (rejected, repair, end), number in self._all().items():
            through = f"{PASSING}{end}"
            middle = ["rejected", repair] if rejected else [through, through]
            found[("issued", *(middle if repairs else middle[:1]), end)] += number
        return found

    def _all(self) -> Counter[_Ended]:
        everything = self._ended.copy()
        for repair in self._waiting.values():
            everything[(True, repair, "outstanding")] += 1
        untouched = self._issued - sum(everything.values())
        if untouched > 0:
            everything[(False, STOPPED, "outstanding")] += untouched
        return everything


def _was_rejected(attempt: Attempt | None) -> bool:
    return attempt is not None and any(isinstance(said, Rejected) for said in attempt.verdicts)
