"""Two judges by what they are shown: the exact passage, what a search finds among all passages, or nothing.

Law: the gates and their sources are the product's own; the drafts are a generator's, spoilt ones among them; each text
is scored once. Drafts whose question no passage could answer have no truth and are left out.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

from msgspec import Struct

from actors.gates.classifier import AGAINST_SOURCE, ClassifierGate
from actors.gates.evidence import EXACT, EvidenceSource, NoSource, RetrievedSource, Retriever
from actors.gates.retrieval import Bm25Retriever, EmbeddingRetriever
from deployments.engines.encoding import Encoder
from schemas.config_gates import Classifier
from schemas.verdicts import Errored, GateRequest, Passed, Rejected, Verdict
from studies.provenance.kit import MODELS, THRESHOLD
from studies.provenance.machines import classifier
from studies.provenance.plan import JUDGES, Plan
from studies.provenance.tries import Try
from studies.provenance.world import World, engine

ENCODER = "generator-large"
K = 3
MODES = ("exact", "bm25 by answer", "bm25 by question", "vectors by answer", "vectors by question", "none")


class Labelled(Struct, frozen=True):
    """A draft with its truth, and what each judge gave it in each mode (`judge/mode` to a score in [0, 1])."""

    passage: int
    faithful: bool
    kind: str | None
    scores: dict[str, float]
    found: dict[str, bool]
    """By search: whether it found the draft's own passage."""


def chosen(plan: Plan, tries: Sequence[Try]) -> list[Try]:
    """First attempts with a truth, slot by slot, so that every passage is there."""
    slots = range(-plan.slots, plan.slots)
    first = [one for one in tries if one.attempt == 1 and one.slot in slots and one.faithful is not None]
    return sorted(first, key=lambda one: (max(one.slot, -1 - one.slot), one.passage, one.slot))[: plan.labelled]


async def measured(plan: Plan, world: World, tries: Sequence[Try], memory: Path) -> list[Labelled]:
    """The chosen drafts as both judges score them in every mode."""
    drafts, judges = chosen(plan, tries), {judge: MODELS / f"judge-{judge}" for judge in JUDGES}
    async with AsyncExitStack() as stack:
        return await read(world, drafts, judges, await sources(stack, world), memory)


async def read(
    world: World, drafts: Sequence[Try], judges: Mapping[str, Path], shown: Mapping[str, EvidenceSource], memory: Path
) -> list[Labelled]:
    """The drafts as these judges score them with each source."""
    scores: list[dict[str, float]] = [{} for _ in drafts]
    found: list[dict[str, bool]] = [{} for _ in drafts]
    for judge, folder in judges.items():
        async with AsyncExitStack() as stack:
            model = await classifier(stack, folder, memory)
            config = Classifier(engine(folder), threshold=THRESHOLD)
            for mode, source in shown.items():
                gate = ClassifierGate(AGAINST_SOURCE, config, model, source)
                said = await asyncio.gather(*(gate.check(_asked(world, one, n)) for n, one in enumerate(drafts)))
                for number, verdict in enumerate(map(_given, said)):
                    scores[number][f"{judge}/{mode}"] = verdict.score
                    evidence = verdict.evidence.shown
                    if evidence is not None and evidence.searched:
                        found[number][mode] = evidence.rank is not None
    return [
        Labelled(one.passage, one.faithful is True, one.kind, scores[number], found[number])
        for number, one in enumerate(drafts)
    ]


async def sources(stack: AsyncExitStack, world: World) -> dict[str, EvidenceSource]:
    """Every mode by name; searches go through the whole corpus."""
    encoder = await Encoder.of(engine(ENCODER))
    stack.push_async_callback(encoder.close)
    searches: dict[str, Retriever] = {
        "bm25": Bm25Retriever(world.corpus),
        "vectors": await EmbeddingRetriever.of(world.corpus, encoder.encode),
    }
    queries: tuple[Literal["answer", "question"], ...] = ("answer", "question")
    between = {
        f"{name} by {query}": RetrievedSource(search, k=K, query=query)
        for name, search in searches.items()
        for query in queries
    }
    return {"exact": EXACT, **between, "none": NoSource()}


def _asked(world: World, one: Try, number: int) -> GateRequest:
    assert one.draft is not None
    return GateRequest(id=str(number), passage=world.told[one.passage], draft=one.draft)


def _given(verdict: Verdict) -> Passed | Rejected:
    if isinstance(verdict, Errored):
        raise ValueError(f"the judge failed: {verdict.detail}")
    return verdict
