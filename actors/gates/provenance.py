"""The provenance gate, without a model. Law: a sample without an exact place in the corpus never passes."""

from actors.gates.decide import decided
from actors.gates.quotes import locate
from actors.text.words import content_words
from schemas.corpus import Passage, passage_id
from schemas.samples import Cost
from schemas.verdicts import PROVENANCE, ClaimEvidence, Evidence, GateRequest, Verdict


class ProvenanceGate:
    """Passes (score 1) if the passage agrees with its id and span, and a given quote is in it; otherwise score 0."""

    async def check(self, request: GateRequest) -> Verdict:
        """The verdict; its evidence has the located quote, and what is wrong."""
        fault = _fault(request.passage)
        claims = _quoted(request)
        if fault is None and any(not claim.supported for claim in claims):
            fault = f"the quote {'says nothing' if claims[0].quote else 'is not in the passage'}"
        return decided(
            PROVENANCE,
            1.0 if fault is None else 0.0,
            threshold=1.0,
            evidence=Evidence(claims=claims, note=fault or ""),
            cost=Cost(),
        )


def _fault(passage: Passage) -> str | None:
    where = passage.provenance
    if not passage.text.strip():
        return "the passage is blank"
    if not (where.uri and where.document_id and where.document_sha256 and where.chunker):
        return "the passage does not say where it comes from"
    if where.start < 0 or where.end - where.start != len(passage.text):
        return f"the passage has {len(passage.text)} characters, its span {where.start}:{where.end} does not"
    if passage_id(passage.text, where, passage.reference) != passage.id:
        return "the passage is not the one that its id names"
    return None


def _quoted(request: GateRequest) -> tuple[ClaimEvidence, ...]:
    quote = request.draft.quote
    if quote is None:
        return ()
    found = locate(quote, request.passage.text)
    discounted = None if found else "not in the passage"
    if found is not None and not content_words(found.text):
        discounted = "says nothing"
    return (ClaimEvidence(claim=quote, supported=discounted is None, quote=found, discounted=discounted),)
