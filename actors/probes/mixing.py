"""Which orders bring a canary along, and what it looks like before the gates.

Law: which order does follows from the seed and the order's id; nothing that a gate is given tells a canary from a
sample: same ids, same fields, the provenance of a document of the corpus. A canary asks no generator.
"""

from collections.abc import Callable, Collection, Sequence
from hashlib import sha256

from msgspec import Struct

from actors.protocols import Ask, Injector
from schemas.canaries import CANARIES, Canary
from schemas.corpus import Passage, Provenance
from schemas.errors import HopError
from schemas.ids import OrderId, PoolName, content_id, derived_seed
from schemas.injection import Injected, InjectionKind, Worth
from schemas.orders import Attempt, Lease, OrderKind
from schemas.samples import Candidate, Cost, Draft, Sampling, answered
from schemas.verdicts import GateName

_DRAWS = float(0x8000_0000)
KindOf = Callable[[OrderId, Collection[InjectionKind]], InjectionKind | None]
"""In which of the possible ways one is spoilt."""


class LabelledRow(Struct, frozen=True):
    """One labelled sample of a file; `origin` names file and line."""

    text: str
    """Of its passage, or the problem."""
    draft: Draft
    label: Worth
    origin: str
    reference: str | None = None
    flaw: InjectionKind | None = None
    gate: GateName | None = None


class Maker(Struct, frozen=True):
    """Who makes canaries of the run's own first attempts, and knows what they are worth."""

    injector: Injector
    kind_of: KindOf


class Prepared(Struct, frozen=True):
    """What the gates are to judge. `why`: its label does not hold, and they are not asked."""

    candidate: Candidate
    injected: Injected | None = None
    why: str = ""


class Mixing(Struct, frozen=True):
    """`rate`: canaries for each order; `good`: share of them that should pass; both in [0, 1].

    `rows` are preferred; without any, `maker` takes first attempts, rejected ones too: a good sample that the gates let
    pass once would let them pass again, and their false rejections would never be seen.
    """

    rate: float = 0.0
    good: float = 0.5
    seed: int = 0
    rows: Sequence[LabelledRow] = ()
    maker: Maker | None = None

    def beside(self, lease: Lease, attempt: Attempt) -> Canary | None:
        """The canary that an order's first attempt brings along; None for most."""
        if not self.rate or lease.canary is not None or attempt.number != 1 or lease.order.kind is OrderKind.ROLLOUT:
            return None
        if self._draw(lease, "whether") >= self.rate:
            return None
        label = Worth.GOOD if self._draw(lease, "label") < self.good else Worth.BAD
        if self.rows:
            return self._of_row(lease, label)
        draft = None if attempt.candidate is None else attempt.candidate.draft
        if self.maker is None or draft is None or attempt.injected is not None:
            return None
        origin = lease.order.id
        return Canary(
            self._id(lease, origin), lease.passage, answered(draft.question, draft.answer), label, origin, checked=False
        )

    async def prepared(self, lease: Lease, ask: Ask) -> Prepared:
        """The canary of a lease, spoilt and checked where that is left to do."""
        canary = lease.canary
        assert canary is not None, "the lease is of an order"
        if canary.checked:
            return Prepared(_candidate(canary.draft))
        if self.maker is None:
            return Prepared(_candidate(canary.draft), why="nobody can check it any more")
        return await self._made(self.maker, canary, lease, ask)

    async def _made(self, maker: Maker, canary: Canary, lease: Lease, ask: Ask) -> Prepared:
        possible = frozenset(maker.injector.kinds(canary.passage)) - {InjectionKind.HIGH_TEMPERATURE}
        kind = maker.kind_of(canary.id, possible)
        if kind is None:
            return Prepared(_candidate(canary.draft), why="its passage allows no flaw")
        draft: Draft | None = canary.draft
        if canary.label is Worth.BAD:
            draft = maker.injector.draft(kind, lease, canary.draft)
        if draft is None:
            return Prepared(_candidate(canary.draft), why="the injector wrote nothing")
        try:
            worth, cost = await maker.injector.worth(kind, lease, draft, ask)
        except HopError as error:
            return Prepared(_candidate(draft), why=f"the check failed: {error.detail}")
        candidate = _candidate(draft, cost)
        if worth is not canary.label:
            return Prepared(candidate, why=f"meant to be {canary.label.value}, found {worth.value}")
        return Prepared(candidate, Injected(kind, worth) if worth is Worth.BAD else None)

    def _of_row(self, lease: Lease, label: Worth) -> Canary:
        rows = [row for row in self.rows if row.label is label] or self.rows
        row = rows[int(self._draw(lease, "row") * len(rows))]
        return Canary(
            id=self._id(lease, row.origin),
            passage=_placed(row, lease.passage),
            draft=row.draft,
            label=row.label,
            origin=row.origin,
            flaw=row.flaw,
            gate=row.gate,
        )

    def _id(self, lease: Lease, origin: str) -> OrderId:
        return OrderId(content_id("canary", self.seed, lease.order.id, origin))

    def _draw(self, lease: Lease, what: str) -> float:
        return derived_seed("canary", self.seed, lease.order.id, what) / _DRAWS


def _placed(row: LabelledRow, beside: Passage) -> Passage:
    """The row's passage as if a document of the corpus held it."""
    if row.text == beside.text and row.reference == beside.reference:
        return beside
    where = Provenance(
        uri=beside.provenance.uri,
        document_id=beside.provenance.document_id,
        document_sha256=sha256(row.text.encode("utf-8", "surrogatepass")).hexdigest(),
        start=0,
        end=len(row.text),
        chunker=beside.provenance.chunker,
    )
    return Passage.of(row.text, where, row.reference)


def _candidate(draft: Draft, cost: Cost | None = None) -> Candidate:
    text = f"Question: {draft.question}\nAnswer: {draft.answer}"
    return Candidate(PoolName(CANARIES), (), Sampling(), text, draft, cost or Cost())
