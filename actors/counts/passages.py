"""Passages that get orders until they are dry: how many samples each gave, and why it got no more.

Law: memory grows with such passages, by about 150 bytes each; where passages have a fixed number of orders, not at all.
"""

from collections import Counter

from msgspec import Struct
from msgspec.structs import replace

from actors.counts.entries import Entry
from actors.counts.standing import PassageStanding, SampleEnd
from schemas.ids import PassageId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Planned, Reopened, Rescored
from schemas.progress import Carried, Summary
from schemas.until_dry import UntilDry


class _Known(Struct, frozen=True):
    """A passage, the rule that it is under, its outstanding orders and its samples."""

    rule: UntilDry
    standing: PassageStanding = PassageStanding()
    outstanding: int = 0
    samples: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it gets no more orders, since it is dry or has had all."""
        return not self.outstanding and not self.standing.further(self.rule)

    @property
    def is_dry(self) -> bool:
        return self.standing.barren >= self.rule.patience


class PassageFold:
    """The fold. A passage that got orders of a fixed number first is known from the samples that its plan names."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Known] = {}
        self._one_of_each: dict[_Known, _Known] = {}
        self._dry: Counter[int] = Counter()
        self._capped: Counter[int] = Counter()
        self._going = 0

    def apply(self, entry: Entry) -> None:
        """Counts one record."""
        match entry.record:
            case Planned() as planned:
                self._planned(planned)
            case Reopened() as put_back:
                known = self._known.get(bytes.fromhex(put_back.passage.id))
                if known is not None:
                    self._now(put_back.passage.id, replace(known, outstanding=known.outstanding + 1))
            case AcceptedEnd() | Rescored() | DeadLetteredEnd() | NotNeededEnd() as end if entry.order is not None:
                known = self._known.get(bytes.fromhex(entry.order.passage_id))
                if known is not None:
                    self._now(entry.order.passage_id, _ended(known, end))
            case _:
                pass

    def tables(self) -> Summary:
        """Everything counted so far."""
        if not self._known:
            return Summary()
        return Summary(carried=Carried(_sorted(self._dry), _sorted(self._capped), self._going))

    def _planned(self, planned: Planned) -> None:
        passage_id, orders, rule = planned.passage.id, planned.orders, planned.until
        known = self._known.get(bytes.fromhex(passage_id))
        if rule is None:
            if known is not None:
                self._count(known, -1)
                del self._known[bytes.fromhex(passage_id)]
            return
        if known is None:
            known = _Known(rule, PassageStanding(orders[0].slot), samples=len(planned.asked))
        outstanding = known.outstanding + len(orders)
        standing = known.standing.planned(len(orders))
        self._now(passage_id, replace(known, rule=rule, standing=standing, outstanding=outstanding))

    def _now(self, passage_id: PassageId, now: _Known) -> None:
        key = bytes.fromhex(passage_id)
        before = self._known.get(key)
        if before is not None:
            self._count(before, -1)
        self._known[key] = self._one_of_each.setdefault(now, now)
        self._count(now, 1)

    def _count(self, known: _Known, by: int) -> None:
        if not known.is_over:
            self._going += by
        elif known.is_dry:
            self._dry[known.samples] += by
        else:
            self._capped[known.samples] += by


def _ended(known: _Known, end: SampleEnd) -> _Known:
    gave = isinstance(end, AcceptedEnd | Rescored)
    return replace(
        known,
        standing=known.standing.ended(end),
        outstanding=known.outstanding - 1,
        samples=known.samples + gave,
    )


def _sorted(passages: Counter[int]) -> dict[int, int]:
    return {samples: passages[samples] for samples in sorted(passages) if passages[samples]}
