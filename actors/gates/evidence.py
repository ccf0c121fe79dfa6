"""What a faithfulness judge is shown of a sample's source: the exact passage, passages found by a search, or nothing.

Law: pure but for the search; a source never changes the question or the answer, and says of every search whether the
sample's own passage was found, so that the rate of hits can be counted.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from schemas.corpus import Passage
from schemas.samples import asked_and_said
from schemas.verdicts import GateRequest, Shown


class Grounds(Struct, frozen=True):
    """The passages that a judge reads, best first. `shown` is None where they are the sample's own alone."""

    passages: tuple[Passage, ...]
    shown: Shown | None = None


class EvidenceSource(Protocol):
    """From a request to what its judge is shown."""

    async def grounds(self, request: GateRequest) -> Grounds:
        """Raises HopError when a search fails."""
        ...


class Retriever(Protocol):
    """A search among all passages of the corpus."""

    async def best(self, query: str, k: int) -> Sequence[Passage]:
        """At most `k` passages, best first; fewer (also none) when fewer have anything to do with the query."""
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
        """What the search finds; the request's own passage is used for nothing but to say whether it is there."""
        asked, said = asked_and_said(request.claimed)
        found = tuple(await self._retriever.best(said if self._query == "answer" else asked or said, self._k))
        ids = tuple(passage.id for passage in found)
        rank = ids.index(request.passage.id) + 1 if request.passage.id in ids else None
        return Grounds(found, Shown(searched=True, passages=ids, rank=rank))


EXACT = ExactSource()
