"""What the run's embedder makes of a draft, one conductor's way.

Law: an embedder that cannot answer is an error of the check that compares samples: nothing is accepted uncompared. It
is retried as a gate is, by the same rules.
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
    """What is embedded of what a task says is to be compared: its texts, a line each, without their names."""
    return "\n".join(text for _, text in key)


class DraftEmbedder:
    """`key`: what near-duplicates are compared on, as the task says; None: the draft repeats no other."""

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
        """The draft's vector; None where nothing of it is compared. Raises PoolAwayError when the embedder is given
        up."""
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
