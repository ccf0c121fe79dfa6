"""Spoils drafts for probes as the simulated model does, and knows by the hidden truth what a text is worth."""

from collections.abc import Collection

from actors.protocols import AskModel
from benchmarks.simulated.text import HEDGE_WORDS, Chance, alter, is_faithful
from schemas.config import Corpus
from schemas.corpus import Passage
from schemas.flaws import FlawKind, Worth
from schemas.orders import Lease
from schemas.samples import Draft, rewritten


class SimulatedInjector:
    """Alters a number or a name of the answer."""

    def __init__(self, seed: int) -> None:
        self._chance = Chance(seed)

    def kinds(self, passage: Passage) -> Collection[FlawKind]:
        return (FlawKind.CONTRADICTS_SOURCE,)

    async def spoil(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Draft | None:
        wrong = alter(draft.answer, lease.passage.text, self._chance, "spoilt", lease.order.id)
        return rewritten(draft, answer=wrong)

    async def worth(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Worth:
        """An answer that hedges is neither: it is true, and a reward gate should reject it."""
        if not is_faithful(lease.passage.text, draft.answer):
            return Worth.BAD
        return Worth.UNKNOWN if HEDGE_WORDS.search(draft.answer) else Worth.GOOD


def injector(corpus: Corpus, seed: int) -> SimulatedInjector:
    """For `probes.injector.factory`."""
    return SimulatedInjector(seed)
