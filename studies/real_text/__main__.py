"""How good gates of a small real model are on real text: `python -m studies.real_text --models .models --output DIR`.

The plan stands in docs/studies/real-text.md, and was committed before the first run.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from deployments.local.gates import started
from schemas.config import VllmEngine
from studies.provenance.bootstrap import Estimate
from studies.real_text.arms import ARMS, Arm, Judges, scored
from studies.real_text.measures import Measured, Score, difference, measured
from studies.real_text.sets import SETS, LabelledSet, SetRow

SETS_FOLDER = Path("../shared/data/faithfulness")
LLM_ROWS = 100
SMOKE_ROWS = 24
Verdict = Literal["supported", "refuted", "not shown"]


class Figure(Struct, frozen=True):
    """One arm on one set."""

    set: str
    form: str
    shown: str
    tokens: float
    """Of an answered row, on average, prompt and completion."""
    measured: Measured


class Claim(Struct, frozen=True):
    """One comparison of the plan, its interval, and what the plan's rule makes of it."""

    number: int
    set: str
    what: str
    estimate: Estimate
    verdict: Verdict


class Results(Struct, frozen=True):
    """What was measured, and the sets that were not there."""

    seed: int
    smoke: bool
    figures: tuple[Figure, ...]
    claims: tuple[Claim, ...]
    missing: tuple[str, ...]


Scores = dict[Arm, tuple[Sequence[SetRow], Sequence[Score]]]
"""Of each arm of a set, the rows that it was asked about, and what it gave."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, help="made by python -m studies.real_text.models")
    parser.add_argument("--output", type=Path, required=True, help="a rerun goes on there")
    parser.add_argument("--sets", type=Path, default=SETS_FOLDER, help="the folder of labelled sets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true", help="few rows: shows that it works, not what is true")
    given = parser.parse_args()
    if not (given.models / "smollm2" / "config.json").is_file():
        sys.exit(f"{given.models} holds no models: python -m studies.real_text.models {given.models}")
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", flush=True)

    results = asyncio.run(measure(given, say))
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    for claim in results.claims:
        found = claim.estimate
        print(f"{claim.verdict:13} {claim.number}. {claim.set}: {claim.what} {found.value:.3f} "
              f"({found.low:.3f} to {found.high:.3f})")  # fmt: skip
    for name in results.missing:
        print(f"{name}: its file is not in {given.sets}")


async def measure(given: argparse.Namespace, say: Callable[[str], None]) -> Results:
    """Every arm on every set that is there."""
    figures: list[Figure] = []
    claims: list[Claim] = []
    missing: list[str] = []
    async with AsyncExitStack() as stack:
        model = VllmEngine(model=str(given.models / "smollm2"), max_model_len=4096)
        generator = await started(stack, model)
        say("the model is loaded")
        for labelled in SETS:
            rows = labelled.read(given.sets)
            if rows is None:
                missing.append(labelled.name)
                continue
            scores: Scores = {}
            for arm in ARMS:
                asked = _asked(rows, arm, given)
                judges = Judges(stack, generator, given.models, rows)
                file = given.output / "scores" / f"{_slug(labelled)}-{arm.form}-{arm.shown}.jsonl"
                found = await scored(await judges.gate(arm), asked, file, say)
                scores[arm] = asked, [each.score for each in found]
                answered = [each.tokens for each in found if each.score is not None]
                tokens = round(sum(answered) / len(answered), 1) if answered else 0.0
                what = measured(asked, scores[arm][1], seed=given.seed)
                figures.append(Figure(labelled.name, arm.form, arm.shown, tokens, what))
            claims += claims_of(labelled.name, scores, given.seed)
    return Results(given.seed, given.smoke, tuple(figures), tuple(sorted(claims, key=_by_number)), tuple(missing))


def claims_of(name: str, scores: Scores, seed: int) -> Iterator[Claim]:
    """The plan's claims on one set."""

    def less(number: int, a: Arm, b: Arm) -> Claim:
        rows, one = scores[a]
        others = dict(zip((row.id for row in scores[b][0]), scores[b][1], strict=True))
        other = [others.get(row.id) for row in rows]
        found = difference(rows, one, other, seed=seed)
        what = f"{a.form} {a.shown} less {b.form} {b.shown}"
        return Claim(number, name, what, found, verdict_of(found, against=0.0))

    for form in ("token", "likelihood", "llm"):
        exact = Arm(form, "exact")
        alone = measured(*scores[exact], seed=seed).auroc
        yield Claim(1, name, f"{form} exact", alone, verdict_of(alone, against=0.5))
        if form != "likelihood":
            yield less(2, exact, Arm(form, "none"))
        if form != "llm":
            yield less(3, exact, Arm(form, "bm25"))
            yield less(3, exact, Arm(form, "minilm"))
    yield less(4, Arm("likelihood", "exact"), Arm("token", "exact"))


def verdict_of(found: Estimate, *, against: float) -> Verdict:
    """By the interval alone. One that could not be made (-1) shows nothing."""
    if found.low > against:
        return "supported"
    return "refuted" if -1 < found.high < against else "not shown"


def _asked(rows: Sequence[SetRow], arm: Arm, given: argparse.Namespace) -> Sequence[SetRow]:
    most = LLM_ROWS if arm.form == "llm" else len(rows)
    most = min(most, SMOKE_ROWS) if given.smoke else most
    places = sorted(random.Random(given.seed).sample(range(len(rows)), min(most, len(rows))))
    return [rows[place] for place in places]


def _slug(labelled: LabelledSet) -> str:
    return labelled.name.lower().replace(",", "").replace(" ", "-")


def _by_number(claim: Claim) -> int:
    return claim.number


if __name__ == "__main__":
    main()
