"""What a judge is shown in plan 2: the exact passage, what BM25 or MiniLM finds for the answer, or nothing.

Law: searches go through the whole corpus; the own passage serves only to record whether it was found.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from actors.gates.evidence import EXACT, EvidenceSource, NoSource, RetrievedSource, Retriever
from actors.gates.retrieval import Bm25Retriever, EmbeddingRetriever
from deployments.engines.encoding import Encoder
from schemas.config_engines import TransformersEngine
from schemas.corpus import Passage

FOUND = (1, 3)
"""Passages that a search gives."""


def shown_by(searches: Mapping[str, Retriever]) -> dict[str, EvidenceSource]:
    """Every source by the name that the plan gives its arm."""
    found = {f"{name}_k{k}": RetrievedSource(one, k=k, query="answer") for name, one in searches.items() for k in FOUND}
    return {"exact": EXACT, **found, "none": NoSource()}


async def searches(stack: AsyncExitStack, corpus: Sequence[Passage], minilm: Path) -> dict[str, Retriever]:
    """BM25, and vectors by all-MiniLM-L6-v2 from a folder that `studies.real_text.models` made. Raises ModelError."""
    encoder = await Encoder.of(TransformersEngine(model=str(minilm)))
    stack.push_async_callback(encoder.close)
    vectors = await EmbeddingRetriever.of(corpus, encoder.encode, encoder.encode_queries)
    return {"bm25": Bm25Retriever(corpus), "minilm": vectors}
