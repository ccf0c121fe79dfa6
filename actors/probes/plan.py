"""Chooses the orders that a probe goes beside, and the content of each probe.

Law: the choice follows from the run's seed, the order's id and the order's first attempt. A gate cannot tell a probe
from a sample by its input: it has the same ids, the same fields, and the provenance of a document of the corpus.
"""

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256

from msgspec import Struct

from schemas.corpus import Passage, Provenance
from schemas.flaws import FlawKind, Worth
from schemas.ids import OrderId, content_id, derived_seed
from schemas.orders import Attempt, Order
from schemas.probes import Probe
from schemas.samples import Draft, Sampling
from schemas.verdicts import GateName

_DRAWS = float(0x8000_0000)


class LabelledRow(Struct, frozen=True):
    """One labelled sample of a file. `origin` names file and line."""

    text: str
    """The text of the passage, or the problem."""
    draft: Draft
    label: Worth
    origin: str
    reference: str | None = None
    flaw: FlawKind | None = None
    gate: GateName | None = None


class ProbePlan(Struct, frozen=True):
    """`rate`: probes for each order. `good`: the share of probes that should pass. Both are in [0, 1].

    Without `rows` a probe is made from the order's own first draft, even a rejected one. If only accepted drafts were
    used, the gates would pass them again, and their false rejections would never be seen.
    """

    rate: float = 0.0
    good: float = 0.5
    seed: int = 0
    rows: Sequence[LabelledRow] = ()

    def beside(self, order: Order, passage: Passage, attempt: Attempt) -> Probe | None:
        """The probe that goes beside an order, given its first attempt; None for most orders."""
        if not self.rate or attempt.number != 1:
            return None
        if self._draw(order.id, "whether") >= self.rate:
            return None
        label = Worth.GOOD if self._draw(order.id, "label") < self.good else Worth.BAD
        candidate = attempt.candidate
        sampling = Sampling() if candidate is None else candidate.sampling
        if self.rows:
            return self._of_row(order.id, label, passage, sampling)
        if candidate is None or candidate.draft is None:
            return None
        probe_id, draft = self._id(order.id, order.id), candidate.draft
        return Probe(probe_id, passage, draft, label, origin=order.id, checked=False, sampling=sampling)

    def _of_row(self, order_id: OrderId, label: Worth, passage: Passage, sampling: Sampling) -> Probe:
        rows = [row for row in self.rows if row.label is label] or self.rows
        row = rows[int(self._draw(order_id, "row") * len(rows))]
        return Probe(
            id=self._id(order_id, row.origin),
            passage=_placed(row, passage),
            draft=row.draft,
            label=row.label,
            origin=row.origin,
            flaw=row.flaw,
            gate=row.gate,
            sampling=sampling,
        )

    def _id(self, order_id: OrderId, origin: str) -> OrderId:
        return OrderId(content_id("probe", self.seed, order_id, origin))

    def _draw(self, order_id: OrderId, what: str) -> float:
        return derived_seed("probe", self.seed, order_id, what) / _DRAWS


class FlawDraw(Struct, frozen=True):
    """`weights`: the relative frequency of each flaw."""

    weights: Mapping[FlawKind, float]
    seed: int = 0

    def of(self, probe_id: OrderId, possible: Collection[FlawKind]) -> FlawKind | None:
        """The flaw for a probe, out of the possible ones; None when none of these has a weight."""
        weighted = [(kind, self.weights.get(kind, 0.0)) for kind in FlawKind if kind in possible]
        drawn = derived_seed("probe", self.seed, probe_id, "flaw") / _DRAWS
        left = drawn * sum(weight for _, weight in weighted)
        chosen = None
        for kind, weight in weighted:
            if weight > 0:
                chosen = kind
                if left < weight:
                    break
                left -= weight
        return chosen


def _placed(row: LabelledRow, beside: Passage) -> Passage:
    """The row's passage, with a provenance as if a document of the corpus held it."""
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
