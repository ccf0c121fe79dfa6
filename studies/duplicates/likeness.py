"""How many questions that ask for one fact in other words are found, and how many others are refused, by words and by
vectors.

    python -m studies.real_text.models .models
    python -m studies.duplicates.likeness .models/minilm

Plan, written before the first run over part `report`. Pairs: `pairs.json`, two samples of one passage each. The rule of
words is the product's (`judging.duplicate_similarity` 0.9). Vectors are the product's too: the task's texts, a line
each, a signed byte a dimension. Their threshold is chosen on part `choose`: of the thresholds that refuse none of its
`other` pairs the lowest, in hundredths, so that it finds the most. Reported: part `report`, of the words, of the
vectors, and of both together as a run has them, with 95% Wilson intervals.
"""

import argparse
import asyncio
import math
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from actors.counts.rates import rate
from actors.gates.diversity import similarity
from actors.gates.embedding import text_of
from actors.text.vectors import cosine
from deployments.build.embedding import SampleEmbedder
from schemas.config import EmbedderModel, Judging, TransformersEngine
from schemas.gate_audit import Rate
from schemas.samples import Texts, qa
from schemas.vectors import EmbeddingRequest, Vector

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
WORDS = Judging().duplicate_similarity
Sample = tuple[str, str]
"""A question and its answer."""


class Pairs(Struct, frozen=True):
    """The pairs of one passage: of one fact, and of two."""

    part: Literal["choose", "report"]
    passage: str
    same: tuple[tuple[Sample, Sample], ...]
    other: tuple[tuple[Sample, Sample], ...]


class Compared(Struct, frozen=True):
    """How alike the two samples of a pair are."""

    part: Literal["choose", "report"]
    same: bool
    words: float
    vectors: float


class Rule(Struct, frozen=True):
    """What a rule does with part `report`. `found`: of pairs of one fact; `refused`: of pairs of two."""

    name: str
    found: Rate
    refused: Rate


class Results(Struct, frozen=True):
    """`threshold`: of vectors, as chosen."""

    model: str
    threshold: float
    rules: tuple[Rule, ...]
    chosen_on: tuple[Rule, ...]
    """The same rules on the pairs that the threshold was chosen on."""


def pairs() -> list[Pairs]:
    """As they were committed."""
    return msgspec.json.decode((FOLDER / "pairs.json").read_bytes(), type=list[Pairs])


def threshold_of(compared: list[Compared]) -> float:
    """The lowest, in hundredths, that refuses no pair of two facts of part `choose`."""
    return math.floor(100 * max(each.vectors for each in compared if each.part == "choose" and not each.same) + 1) / 100


def rules(compared: list[Compared], threshold: float, part: Literal["choose", "report"]) -> tuple[Rule, ...]:
    """Words, vectors, and either."""
    held = [each for each in compared if each.part == part]
    refuses = {
        "words": lambda each: each.words >= WORDS,
        "vectors": lambda each: each.vectors >= threshold,
        "either": lambda each: each.words >= WORDS or each.vectors >= threshold,
    }
    return tuple(
        Rule(
            name,
            _share([says(each) for each in held if each.same]),
            _share([says(each) for each in held if not each.same]),
        )
        for name, says in refuses.items()
    )


async def compare(embedder: SampleEmbedder) -> list[Compared]:
    """Every pair, by both."""

    async def vector(texts: Texts) -> Vector:
        return (await embedder.embed(EmbeddingRequest("pair", text_of(texts)))).vector

    found = []
    for of in pairs():
        for same, given in ((True, of.same), (False, of.other)):
            for one, other in ((qa(*a), qa(*b)) for a, b in given):
                alike = cosine(await vector(one), await vector(other))
                assert alike is not None, "one embedder made both"
                found.append(Compared(of.part, same, similarity(one, other), alike))
    return found


def _share(said: list[bool]) -> Rate:
    return rate(sum(said), len(said))


async def measured(model: Path) -> Results:
    """The results with the embedder of that folder."""
    config = EmbedderModel(engine=TransformersEngine(model=str(model), dtype="float32", device="cpu"))
    embedder = await SampleEmbedder.of(config)
    try:
        compared = await compare(embedder)
    finally:
        await embedder.close()
    threshold = threshold_of(compared)
    return Results(
        model.name, threshold, rules(compared, threshold, "report"), chosen_on=rules(compared, threshold, "choose")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    results = asyncio.run(measured(parser.parse_args().model))
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
