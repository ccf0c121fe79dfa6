"""The evidence of a gate's replica: for a search, all passages of the corpus and an index over them.

Law: from the start the index has all passages that the run plans, cut by the same reader and chunker. So a verdict
depends on the corpus, and never on the passages that were read so far. A corpus above the limit is refused.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import islice

from actors.corpus.chunker import Chunker
from actors.gates.evidence import EXACT, EvidenceSource, NoSource, RetrievedSource, Retriever
from deployments.build.readers import read_corpus
from schemas.config import Corpus
from schemas.config_gates import Exact, Provenance, Retrieved, Unseen
from schemas.corpus import Document, Passage
from schemas.errors import ConfigError
from schemas.verdicts import FAITHFULNESS, GateName


async def open_source(
    stack: AsyncExitStack, provenance: Provenance, corpus: Corpus, name: GateName = FAITHFULNESS
) -> EvidenceSource:
    """The source that the configuration of that gate names; its encoder is closed with the stack.

    Raises ConfigError for a corpus that is too large, CorpusError for one that cannot be read here, ModelError for an
    encoder that cannot be loaded.
    """
    match provenance:
        case Exact():
            return EXACT
        case Unseen():
            return NoSource()
        case Retrieved():
            passages = await asyncio.to_thread(all_passages, corpus, provenance.max_passages, name)
            retriever = await _retriever(stack, provenance, passages)
            return RetrievedSource(retriever, k=provenance.k, query=provenance.query)


def all_passages(corpus: Corpus, limit: int, name: GateName = FAITHFULNESS) -> list[Passage]:
    """Every passage of the corpus, in order. Raises ConfigError when there are more than `limit`."""
    found = list(islice(passages_of(corpus), limit + 1))
    if len(found) > limit:
        raise ConfigError(
            f"gates.{name}.provenance.max_passages: the corpus has more than {limit:,} passages to search; raise the "
            "bound where the gate's replicas have the memory, or let it be exact"
        )
    return found


def passages_of(corpus: Corpus) -> Iterator[Passage]:
    """The passages of the corpus, in order. Raises CorpusError when it cannot be read."""
    chunker = Chunker(corpus.chunking)
    for document in read_corpus(corpus):
        if isinstance(document, Document):
            yield from chunker.passages(document)


async def _retriever(stack: AsyncExitStack, provenance: Retrieved, passages: list[Passage]) -> Retriever:
    if provenance.encoder is None:
        from actors.gates.retrieval import Bm25Retriever

        return await asyncio.to_thread(Bm25Retriever, passages)
    from actors.gates.retrieval import EmbeddingRetriever
    from deployments.engines.build import retrieval_encoder

    encoder = await retrieval_encoder(provenance)
    stack.push_async_callback(encoder.close)
    return await EmbeddingRetriever.of(passages, encoder.encode, encoder.encode_queries)
