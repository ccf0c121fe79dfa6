"""Searches among the passages of a corpus: by words in common (BM25) or by vectors.

Law: an index is made once, of all passages, and never changes. So a search depends on the query and the corpus alone,
and not on the progress of a run. Of equally good passages, the earlier one in the corpus comes first. Searches run in
threads, and not on the event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import bm25s
import numpy as np

from actors.text.words import content_words
from schemas.corpus import Passage

Encode = Callable[[Sequence[str]], Awaitable[Sequence[Sequence[float]]]]
"""Makes vectors of one length from texts. Raises HopError."""
ENCODED_AT_ONCE = 256
"""How many passages the encoder gets together while the index is made."""


class Bm25Retriever:
    """BM25 (Robertson and Zaragoza 2009, Lucene's variant) over content words."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._index = bm25s.BM25(method="lucene")
        bags = [content_words(passage.text) for passage in passages]
        self._known = frozenset(word for bag in bags for word in bag)
        if self._known:
            self._index.index(bags, show_progress=False)

    async def best(self, query: str, k: int) -> Sequence[Passage]:
        """At most `k` passages that share a word with the query, best first."""
        wanted = [word for word in content_words(query) if word in self._known]
        if not wanted:
            return []
        places = await asyncio.to_thread(self._search, wanted, k)
        return [self._passages[place] for place in places]

    def _search(self, wanted: list[str], k: int) -> list[int]:
        scores = self._index.get_scores(wanted)
        return [place for place in _best(scores, k) if scores[place] > 0]


class EmbeddingRetriever:
    """Cosine similarity of the query's vector and each passage's vector. Made by `of`."""

    def __init__(self, passages: Sequence[Passage], vectors: np.ndarray, encode: Encode) -> None:
        self._passages = passages
        self._vectors = vectors
        self._encode = encode

    @classmethod
    async def of(
        cls, passages: Sequence[Passage], encode: Encode, encode_queries: Encode | None = None
    ) -> "EmbeddingRetriever":
        """Encodes every passage. `encode_queries`: for queries; None: as passages. Raises HopError as the encoder
        does."""
        rows: list[np.ndarray] = []
        for start in range(0, len(passages), ENCODED_AT_ONCE):
            texts = [passage.text for passage in passages[start : start + ENCODED_AT_ONCE]]
            rows.append(_unit(np.asarray(await encode(texts), dtype=np.float32)))
        return cls(passages, np.concatenate(rows) if rows else np.zeros((0, 1), np.float32), encode_queries or encode)

    async def best(self, query: str, k: int) -> Sequence[Passage]:
        """The `k` passages whose vectors are most similar to the query's; none if the corpus is empty."""
        if not self._passages:
            return []
        asked = _unit(np.asarray(await self._encode([query]), dtype=np.float32))[0]
        places = await asyncio.to_thread(lambda: _best(self._vectors @ asked, k))
        return [self._passages[place] for place in places]


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)


def _best(scores: np.ndarray, k: int) -> list[int]:
    """Places of the `k` highest scores, highest first, the earlier of equals first."""
    if len(scores) > k:
        least = np.partition(scores, -k)[-k]
        places = np.flatnonzero(scores >= least)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:k].tolist()
