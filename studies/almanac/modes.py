"""What a judge is worth by what it is shown: `python -m studies.almanac.modes --seed 3`.

The exact passage; the best of three passages found among all others by a search (BM25 or vectors, for the question or
the answer); nothing. Law: the gate, its sources and engines are the product's own; what is true is the world's word.
"""

import argparse
import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import torch

from actors.gates.classifier import AGAINST_SOURCE, ClassifierGate, Reading
from actors.gates.evidence import EXACT, EvidenceSource, Grounds, NoSource, RetrievedSource, Retriever
from actors.gates.retrieval import Bm25Retriever, EmbeddingRetriever
from actors.protocols import Gate
from actors.tasks import prompts
from deployments.engines.build import build_engine
from deployments.engines.encoding import Encoder
from deployments.engines.roles import EngineRole
from schemas.config_engines import TransformersEngine
from schemas.config_gates import Classifier
from schemas.corpus import Passage, Provenance
from schemas.ids import DocumentId
from schemas.samples import answered
from schemas.verdicts import FAITHFULNESS, Errored, GateRequest, Verdict
from studies.almanac.claims import Claim, any_claim
from studies.almanac.exam import auroc, exam

MODELS = Path("examples/almanac/models")
JUDGES = ("judge-weak", "judge-strong")
ENCODER = "generator-large"
K = 3
THRESHOLD = 0.5
RESAMPLES = 400


@dataclass(frozen=True)
class Figures:
    """One judge under one mode, over `claims` claims. Rates in [0, 1]; intervals are of 95% (bootstrap over claims)."""

    judge: str
    mode: str
    claims: int
    hit_rate: float | None
    """Of searches that found the claim's own passage."""
    auroc: float
    auroc_low: float
    auroc_high: float
    f1_caught: float
    """Of rejecting what is unfaithful, at the threshold."""
    f1_passed: float
    """Of passing what is faithful, at the threshold."""


def passage_of(text: str, number: int) -> Passage:
    """An exam paper as a passage of a corpus."""
    digest = sha256(text.encode()).hexdigest()
    place = Provenance(f"almanac#record={number}", DocumentId(f"exam-{number}"), digest, 0, len(text), "whole")
    return Passage.of(text, place)


def together(asked: GateRequest, grounds: Grounds) -> Sequence[str]:
    """All passages in one text, as a chat model reads them."""
    texts = [passage.text for passage in grounds.passages]
    return [prompts.judged_by(texts, asked.claimed)]


def f1(caught: int, *, false: int, missed: int) -> float:
    """2TP / (2TP + FP + FN); 0 when there is nothing to find and nothing was found."""
    total = 2 * caught + false + missed
    return round(2 * caught / total, 4) if total else 0.0


def figures(judge: str, mode: str, claims: Sequence[Claim], verdicts: Sequence[Verdict], *, seed: int) -> Figures:
    """What the verdicts are worth. Raises ValueError for a verdict that is none."""
    scores: list[float] = []
    found: list[bool] = []
    for verdict in verdicts:
        if isinstance(verdict, Errored):
            raise ValueError(f"the judge failed: {verdict.detail}")
        scores.append(verdict.score)
        if verdict.evidence.shown is not None and verdict.evidence.shown.searched:
            found.append(verdict.evidence.shown.rank is not None)
    truths = [claim.faithful for claim in claims]
    passed = [score >= THRESHOLD for score in scores]
    pairs = list(zip(passed, truths, strict=True))
    right, caught = pairs.count((True, True)), pairs.count((False, False))
    let_through, wronged = pairs.count((True, False)), pairs.count((False, True))
    low, high = interval(scores, truths, seed=seed)
    return Figures(
        judge=judge,
        mode=mode,
        claims=len(claims),
        hit_rate=round(sum(found) / len(found), 4) if found else None,
        auroc=round(auroc(scores, truths), 4),
        auroc_low=low,
        auroc_high=high,
        f1_caught=f1(caught, false=wronged, missed=let_through),
        f1_passed=f1(right, false=let_through, missed=wronged),
    )


def interval(scores: Sequence[float], truths: Sequence[bool], *, seed: int) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile of the AUROC over resampled claims."""
    rng, places = random.Random(f"bootstrap {seed}"), range(len(scores))
    drawn: list[float] = []
    for _ in range(RESAMPLES):
        chosen = rng.choices(places, k=len(scores))
        drawn.append(auroc([scores[place] for place in chosen], [truths[place] for place in chosen]))
    drawn.sort()
    return round(drawn[int(0.025 * RESAMPLES)], 4), round(drawn[int(0.975 * RESAMPLES) - 1], 4)


async def sources(stack: AsyncExitStack, passages: Sequence[Passage]) -> dict[str, EvidenceSource]:
    """Every mode by name; searches go through all passages."""
    encoder = await Encoder.of(_model(ENCODER))
    stack.push_async_callback(encoder.close)
    searches: dict[str, Retriever] = {
        "bm25": Bm25Retriever(passages),
        "embedding": await EmbeddingRetriever.of(passages, encoder.encode),
    }
    queries: tuple[Literal["answer", "question"], ...] = ("answer", "question")
    found: dict[str, EvidenceSource] = {"exact": EXACT}
    for name, search in searches.items():
        for query in queries:
            found[f"{name} by {query}"] = RetrievedSource(search, k=K, query=query)
    return found | {"none": NoSource()}


async def verdicts_of(gate: Gate, claims: Sequence[Claim], passages: Sequence[Passage]) -> list[Verdict]:
    """The gate's word on each claim."""
    asked = [
        GateRequest(id=str(number), passage=passage, draft=answered(question=claim.question, answer=claim.answer))
        for number, (claim, passage) in enumerate(zip(claims, passages, strict=True))
    ]
    return list(await asyncio.gather(*(gate.check(request) for request in asked)))


async def measure(count: int, *, seed: int) -> list[Figures]:
    """Both judges under every mode, on the same claims."""
    rng = random.Random(f"claims {seed}")
    claims = [any_claim(told, rng) for told in exam(count, seed=seed)]
    passages = [passage_of(claim.told.passage.text, number) for number, claim in enumerate(claims)]
    rows: list[Figures] = []
    async with AsyncExitStack() as stack:
        modes = await sources(stack, passages)
        for judge in JUDGES:
            config = Classifier(engine=_model(judge), threshold=THRESHOLD)
            engine = build_engine(config.engine, EngineRole.CLASSIFIER)
            await engine.start()
            stack.push_async_callback(engine.close)
            gates = {name: ClassifierGate(AGAINST_SOURCE, config, engine, source) for name, source in modes.items()}
            at_once = Reading(FAITHFULNESS, together)
            gates["bm25 by answer, read at once"] = ClassifierGate(at_once, config, engine, modes["bm25 by answer"])
            for mode, gate in gates.items():
                said = await verdicts_of(gate, claims, passages)
                rows.append(figures(judge, mode, claims, said, seed=seed))
    return rows


def table(rows: Sequence[Figures]) -> Iterator[str]:
    """The figures as Markdown."""
    yield "| judge | shown | own passage found | AUROC (95%) | F1 of what it rejects | F1 of what it passes |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in rows:
        hits = "–" if row.hit_rate is None else f"{row.hit_rate:.0%}"
        area = f"{row.auroc:.3f} ({row.auroc_low:.3f}–{row.auroc_high:.3f})"
        yield f"| {row.judge} | {row.mode} | {hits} | {area} | {row.f1_caught:.3f} | {row.f1_passed:.3f} |"


def _model(name: str) -> TransformersEngine:
    return TransformersEngine(model=str(MODELS / name), dtype="float32", device="cpu")


def main() -> None:
    """Command line."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description="Measure the almanac's judges by what they are shown.")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--claims", type=int, default=960)
    parser.add_argument("--output", type=Path, default=None, help="the figures as JSON")
    given = parser.parse_args()
    rows = asyncio.run(measure(given.claims, seed=given.seed))
    print("\n".join(table(rows)))
    if given.output is not None:
        text = json.dumps({"seed": given.seed, "k": K, "figures": [asdict(row) for row in rows]}, indent=2)
        given.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
