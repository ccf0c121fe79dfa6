"""The vectors of drafts by the run's embedder, as one conductor asks for them.

Law: if the embedder cannot answer, the check for near-duplicates errors: no sample is accepted without it. Calls to the
embedder are retried as calls to gates are.
"""

from collections.abc import Callable

from msgspec.structs import replace

from actors.calls.counters import StageCounter
from actors.calls.pools import Pools
from actors.calls.trials import embedding
from actors.protocols import Embedder
from schemas.errors import HopError
from schemas.orders import Lease
from schemas.samples import Cost, Draft, Texts
from schemas.stages import Stage
from schemas.vectors import EMBEDDER, Embedded, EmbeddingRequest
from schemas.verdicts import DIVERSITY, Errored


def text_of(key: Texts) -> str:
    """The text to embed: the texts of a task's key, one on each line, without their names."""
    return "\n".join(text for _, text in key)


class DraftEmbedder:
    """Asks the embedder. `key`: the texts by which near-duplicates are found; None: the draft is not compared."""

    def __init__(
        self,
        embedder: Embedder,
        pools: Pools,
        stages: StageCounter,
        now: Callable[[], float],
        *,
        key: Callable[[Draft], Texts | None],
    ) -> None:
        self._embedder = embedder
        self._pools = pools
        self._stages = stages
        self._now = now
        self._key = key

    async def of(self, lease: Lease, draft: Draft) -> Embedded | Errored | None:
        """The draft's vector; None if the draft is not compared. Raises PoolAwayError when the embedder is given up."""
        key = self._key(draft)
        if key is None:
            return None
        started_at, text = self._now(), text_of(key)
        request = EmbeddingRequest(id=f"{lease.order.id}:{lease.attempt}", text=text)
        with self._stages.during(Stage(EMBEDDER)):
            try:
                made = await self._pools.ask(
                    EMBEDDER, lambda this: self._embedder.embed(embedding(request, this)), text
                )
            except HopError as error:
                cost = Cost(seconds=self._now() - started_at)
                return Errored(DIVERSITY, error.kind, f"the embedder: {error.detail}", cost)
        return replace(made, cost=replace(made.cost, seconds=self._now() - started_at))
