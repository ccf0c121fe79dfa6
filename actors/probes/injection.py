"""What a conductor does with an order that is to be spoilt.

Law: the first attempt is spoilt, later ones are ordinary repairs; every attempt carries the tag. The tag is made beside
the sample and joins it in the ledger: request, candidate, lease and gate request hold nothing of it.
"""

from msgspec import Struct
from msgspec.structs import replace

from actors.probes.plan import Plan
from actors.protocols import Ask, Injector
from schemas.errors import HopError
from schemas.injection import Injected, InjectionKind, Worth
from schemas.orders import Lease
from schemas.samples import Candidate, Draft, FinishReason, GenerationRequest


class Spoiling(Struct, frozen=True):
    """One attempt of an order that is spoilt."""

    kind: InjectionKind
    lease: Lease
    injector: Injector

    @property
    def tag(self) -> Injected:
        """The tag of an attempt that has no text."""
        return Injected(self.kind, Worth.UNKNOWN)

    def request(self, request: GenerationRequest) -> GenerationRequest:
        """What the generator is asked: something else at the first attempt of some kinds."""
        return self.injector.request(self.kind, self.lease, request) if self._first else request

    def candidate(self, candidate: Candidate) -> Candidate:
        """The candidate that the gates will judge: at the first attempt, the spoilt one."""
        if not self._first:
            return candidate
        draft = self.injector.draft(self.kind, self.lease, candidate.draft)
        if draft is None or draft == candidate.draft:
            return candidate
        readable = replace(candidate, malformed=None, malformed_reason=None, finish=FinishReason.STOP)
        return replace(readable, text=_written(draft), draft=draft)

    async def tagged(self, candidate: Candidate, ask: Ask) -> Injected:
        """The tag of this attempt. Its worth is unknown where there is no draft to check or the check fails."""
        if candidate.draft is None:
            return self.tag
        try:
            worth, cost = await self.injector.worth(self.kind, self.lease, candidate.draft, ask)
        except HopError as error:
            return self.tag if error.heard is None else replace(self.tag, cost=error.heard.cost)
        return Injected(self.kind, worth, cost)

    @property
    def _first(self) -> bool:
        return self.lease.attempt == 1


class InjectionDraw(Struct, frozen=True):
    """Who is spoilt and who does it."""

    plan: Plan
    injector: Injector

    def presumed(self, lease: Lease) -> Injected | None:
        """The tag of an attempt that ends before `of` can say more: an injector's bug leaves nobody untagged."""
        kind = self.plan.kind_of(lease.order.id, InjectionKind) if self.plan.chooses(lease.order.id) else None
        return None if kind is None else Injected(kind, Worth.UNKNOWN)

    def of(self, lease: Lease) -> Spoiling | None:
        """What is done to this attempt; None for an order that is left alone, which is so at every attempt."""
        if not self.plan.chooses(lease.order.id):
            return None
        kind = self.plan.kind_of(lease.order.id, self.injector.kinds(lease.passage))
        return None if kind is None else Spoiling(kind, lease, self.injector)


def _written(draft: Draft) -> str:
    return f"Question: {draft.question}\nAnswer: {draft.answer}"
