"""Passages, leases and gate requests around a text, with the provenance of a document that holds nothing else."""

from schemas.corpus import Passage, Provenance
from schemas.ids import DocumentId, content_id
from schemas.orders import AttemptSummary, Lease, Order
from schemas.recovery import Repair
from schemas.samples import answered
from schemas.verdicts import GateRequest

HERON = (
    "Amber Heron is a town on the Ister. It was first settled in 1623. Its founder was Oda Lind. "
    "The town grew rich by selling salt. Merchants from Velmora visit it in spring."
)
"""A passage with a place, a year, a person and a trade."""


def passage_of(text: str) -> Passage:
    """The whole of a small document as a passage."""
    where = Provenance(
        uri="memory://town",
        document_id=DocumentId("town"),
        document_sha256=content_id(text) * 2,
        start=0,
        end=len(text),
        chunker="test/1",
    )
    return Passage.of(text, where)


def lease_of(
    text: str = HERON, *, attempt: int = 1, repair: Repair | None = None, history: tuple[AttemptSummary, ...] = ()
) -> Lease:
    """A lease on one attempt of a passage's first order."""
    passage = passage_of(text)
    order = Order.fresh(passage.id, "grounded_answer", 0)
    return Lease(order=order, passage=passage, attempt=attempt, expires_at=1e9, repair=repair, history=history)


def shared_lease(orders: int, text: str = HERON) -> Lease:
    """A lease on the first attempts of so many orders of a passage."""
    passage = passage_of(text)
    first, *beside = (Order.fresh(passage.id, "grounded_answer", slot) for slot in range(orders))
    return Lease(first, passage, attempt=1, expires_at=1e9, beside=tuple(beside))


def asked_of_gate(question: str, answer: str, *, text: str = HERON, quote: str | None = None) -> GateRequest:
    """A draft before a gate."""
    return GateRequest(id="order:1", passage=passage_of(text), draft=answered(question, answer, quote))


def problem_of(question: str, reference: str | None) -> Passage:
    """A problem with its reference answer."""
    passage = passage_of(question)
    return Passage.of(passage.text, passage.provenance, reference)


def solution_before_gate(solution: str, *, reference: str | None, question: str = "How many?") -> GateRequest:
    """A worked solution before the verifier."""
    return GateRequest(id="order:1", passage=problem_of(question, reference), draft=answered(question, solution))
