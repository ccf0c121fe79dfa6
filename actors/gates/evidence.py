"""The source that a faithfulness judge is shown: the exact passage, passages found by a search, or nothing.

Law: pure except for the search. A source never changes the question or the answer. Every search records whether it
found the sample's own passage, so that hits can be counted.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from schemas.corpus import Passage
from schemas.samples import asked_and_said
from schemas.verdicts import GateRequest, Shown


class Grounds(Struct, frozen=True):
    """The passages that a judge reads, best first. `shown`: None if it is the sample's own passage alone."""

    passages: tuple[Passage, ...]
    shown: Shown | None = None


class EvidenceSource(Protocol):
    """Gives the passages for a request."""

    async def grounds(self, request: GateRequest) -> Grounds:
        """The passages to show. Raises HopError when a search fails."""
        ...


class Retriever(Protocol):
    """A search among all passages of the corpus."""

    async def best(self, query: str, k: int) -> Sequence[Passage]:
        """At most `k` passages, best first; fewer, or none, if fewer match the query."""
        ...


class ExactSource:
    """The passage that the sample was made from."""

    async def grounds(self, request: GateRequest) -> Grounds:
        """The request's own passage."""
        return Grounds((request.passage,))


class NoSource:
    """Question and answer alone."""

    async def grounds(self, request: GateRequest) -> Grounds:
        """Nothing."""
        return Grounds((), Shown(searched=False))


class RetrievedSource:
    """The `k` passages that a search finds for the sample's question or answer."""

    def __init__(self, retriever: Retriever, *, k: int, query: Literal["answer", "question"]) -> None:
        self._retriever = retriever
        self._k = k
        self._query = query

    async def grounds(self, request: GateRequest) -> Grounds:
        """The passages that the search finds. The request's own passage serves only to record if it is among them."""
        asked, said = asked_and_said(request.claimed)
        found = tuple(await self._retriever.best(said if self._query == "answer" else asked or said, self._k))
        ids = tuple(passage.id for passage in found)
        rank = ids.index(request.passage.id) + 1 if request.passage.id in ids else None
        return Grounds(found, Shown(searched=True, passages=ids, rank=rank))


EXACT = ExactSource()
