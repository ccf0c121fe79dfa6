"""The request that a try of a hop sends: the order's own, or a trial, which only tests the pool.

Law: a trial has an id of its own, and no sample is made of its answer. A trial of a gate is a whole judgement. Only a
generator's quick trial is cheaper than its request.
"""

from msgspec.structs import replace

from actors.calls.health import Trial
from actors.calls.retry import Try
from schemas.corpus import Passage, Provenance
from schemas.ids import DocumentId
from schemas.samples import GenerationRequest, Message, answered
from schemas.vectors import EmbeddingRequest
from schemas.verdicts import GateRequest

LINE = "One and one are two."
"""A line that no server finds too long or improper."""
_PASSAGE = Passage.of(LINE, Provenance("trial:", DocumentId("trial"), "", 0, len(LINE), "trial"), reference="2")
_DRAFT = answered(question="What are one and one?", answer="One and one are two.\n#### 2")


def generation(request: GenerationRequest, this: Try) -> GenerationRequest:
    """The request as this try sends it. A fixed trial keeps roles and sampling: a server may refuse those."""
    match this.trial:
        case None:
            return replace(request, lane=this.lane)
        case Trial.QUICK:
            return replace(request, id=f"{request.id}:trial", sampling=replace(request.sampling, max_tokens=1))
        case Trial.WHOLE:
            return replace(request, id=f"{request.id}:trial")
        case Trial.FIXED:
            lines = tuple(Message(message.role, LINE) for message in request.messages)
            return replace(request, id=f"{request.id}:trial", messages=lines)


def judgement(request: GateRequest, this: Try) -> GateRequest:
    """The request as this try sends it."""
    match this.trial:
        case None:
            return replace(request, tries=this.number, lane=this.lane)
        case Trial.QUICK | Trial.WHOLE:
            return replace(request, id=f"{request.id}:trial", is_trial=True)
        case Trial.FIXED:
            trial = replace(request, id=f"{request.id}:trial", is_trial=True)
            return replace(trial, passage=_PASSAGE, draft=_DRAFT, claim=None, shown=None)


def embedding(request: EmbeddingRequest, this: Try) -> EmbeddingRequest:
    """The request as this try sends it."""
    match this.trial:
        case None:
            return replace(request, lane=this.lane)
        case Trial.QUICK | Trial.WHOLE:
            return replace(request, id=f"{request.id}:trial")
        case Trial.FIXED:
            return replace(request, id=f"{request.id}:trial", text=LINE)
