"""Orders: how many were issued, and how they ended. Law: issued = accepted + dead-lettered + not needed +
outstanding."""

from collections import Counter

from actors.counts.end_words import EndWordsCount
from actors.counts.entries import Entry, was_rejected
from schemas.distributions import AttemptEnd
from schemas.errors import ErrorKind
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Reopened, Rescored
from schemas.orders import DeadLetter, EndReason, OrderKind
from schemas.progress import Counts, EndCount, EngineErrors, KindCount, Summary


class OrderFold:
    """The fold. Memory does not grow."""

    def __init__(self) -> None:
        self._issued: Counter[OrderKind] = Counter()
        self._accepted: Counter[OrderKind] = Counter()
        self._dead: Counter[tuple[OrderKind, EndReason]] = Counter()
        self._not_needed: Counter[OrderKind] = Counter()
        self._end_words = EndWordsCount()
        self._engine_errors: Counter[ErrorKind] = Counter()
        self._attempts = self._first_pass = self._rejected = self._recovered = self._reopened = 0

    def apply(self, entry: Entry) -> None:
        """Counts one record."""
        match entry.record:
            case Planned(orders=orders):
                self._issued.update(order.kind for order in orders)
            case AcceptedEnd() | Rescored():
                assert entry.order is not None
                self._accepted[entry.order.kind] += 1
            case DeadLetteredEnd(end=end):
                assert entry.order is not None
                self._died(entry.order.kind, end)
            case NotNeededEnd():
                assert entry.order is not None
                self._not_needed[entry.order.kind] += 1
            case Reopened(order=order, end=end):  # its attempts and their cost stay counted
                self._reopened += 1
                self._dead[(order.kind, end.reason)] -= 1
                self._end_words.take_back(end)
            case _:
                pass
        if entry.attempt is not None:
            self._attempts += 1
            self._judged(entry)

    def tables(self) -> Summary:
        """Everything counted so far."""
        issued, accepted, dead = self._issued.total(), self._accepted.total(), self._dead.total()
        not_needed = self._not_needed.total()
        return Summary(
            counts=Counts(
                issued=issued,
                accepted=accepted,
                dead_lettered=dead,
                not_needed=not_needed,
                outstanding=issued - accepted - dead - not_needed,
                first_pass=self._first_pass,
                rejected=self._rejected,
                recovered=self._recovered,
                attempts=self._attempts,
                reopened=self._reopened,
            ),
            ends=self._ends(*OrderKind),
            kinds=tuple(
                KindCount(kind, issued, self._accepted[kind], self._ends(kind), self._not_needed[kind])
                for kind, issued in self._issued.items()
            ),
            engine_errors=tuple(EngineErrors(kind, count) for kind, count in self._engine_errors.items()),
            end_words=self._end_words.counts(),
        )

    def _died(self, kind: OrderKind, end: DeadLetter) -> None:
        self._dead[(kind, end.reason)] += 1
        self._end_words.add(end)
        if end.reason is EndReason.ENGINE_ERROR and end.error is not None:
            self._engine_errors[end.error] += 1

    def _judged(self, entry: Entry) -> None:
        if entry.attempt is None or entry.order is None:
            return
        if entry.end is AttemptEnd.ACCEPTED:
            self._first_pass += entry.attempt.number == 1
            self._recovered += entry.order.rejected
        else:
            self._rejected += was_rejected(entry.attempt) and not entry.order.rejected

    def _ends(self, *kinds: OrderKind) -> tuple[EndCount, ...]:
        counted = ((reason, sum(self._dead[(kind, reason)] for kind in kinds)) for reason in EndReason)
        return tuple(EndCount(reason, orders) for reason, orders in counted if orders)
