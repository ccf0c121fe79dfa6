"""How good the judge made from spoilt samples is on the labelled sets: `python -m studies.real_text.judged`.

    python -m studies.real_text.judge_model .models
    python -m studies.real_text.judged --models .models --output studies/real_text/judge

Law: the gate is the product's own, with the model as it ships. A row that has a score in `--output` is not asked again,
so each row is scored once. The plan stands in docs/studies/real-text.md, and was committed before the first row was.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
from msgspec import Struct

from actors.gates.build import build_gate
from actors.protocols import Gate
from actors.text.words import content_words, stem, stems
from deployments.engines.roles import role_of
from deployments.local.gates import started
from schemas.config_gates import Classifier
from schemas.verdicts import FAITHFULNESS, Errored
from studies.provenance.bootstrap import Estimate
from studies.real_text.__main__ import SETS_FOLDER, slug, verdict_of
from studies.real_text.arms import Scored, known_scores, scored
from studies.real_text.judge_model import FOLDER, SHIPPED
from studies.real_text.measures import Measured, Score, difference, measured
from studies.real_text.results import Claim
from studies.real_text.results_file import interval, write_json
from studies.real_text.sets import SETS, SetRow
from studies.real_text.train_judge import Trained

TRAINED = SHIPPED.parent / "trained.json"
PASSAGE = (
    "The lighthouse at Skerry Point was built in 1848 by Alan Wick. It is 31 metres high and has 162 steps. "
    "In 1971, after a storm, it was closed to visitors."
)
QUESTION = "What is said of the lighthouse?"
ANSWERS = (
    "Alan Wick built the lighthouse in 1848.",
    "Alan Wick built the lighthouse in 1884.",
    "It was closed to visitors after a storm in 1971.",
    "It was never closed to visitors.",
    "The lighthouse has 162 steps. Its keeper was called Nora Flint.",
)
LIKELIHOOD = Path(__file__).parent / "scores"
"""Where the study of forms has the scores of `likelihood`."""


class KindFigure(Struct, frozen=True):
    """The bad rows of one kind against all good rows of their set."""

    kind: str
    bad_rows: int
    auroc: Estimate


class SetFigure(Struct, frozen=True):
    """The judge on one set, with `words`, the judge that was not trained, beside it."""

    set: str
    judge: Measured
    words: Measured
    kinds: tuple[KindFigure, ...]


class Example(Struct, frozen=True):
    """A sample and its score: whoever loads the judge can see that it is the same."""

    answer: str
    score: float


class Judged(Struct, frozen=True):
    """What was measured of the judge that ships."""

    reads: str
    examples: tuple[Example, ...]
    figures: tuple[SetFigure, ...]
    claims: tuple[Claim, ...]
    missing: tuple[str, ...]
    """Sets whose file was not there, or whose rows have not all been scored."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, help="the folder with text-judge")
    parser.add_argument("--output", type=Path, default=SHIPPED.parent, help="a rerun goes on there")
    parser.add_argument("--sets", type=Path, default=SETS_FOLDER, help="the folder of labelled sets")
    parser.add_argument("--only", nargs="+", choices=[labelled.name for labelled in SETS], help="score these alone")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if not (given.models / FOLDER / "config.json").is_file():
        sys.exit(f"{given.models} holds no judge: python -m studies.real_text.judge_model {given.models}")
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", flush=True)

    found = asyncio.run(measure(given, say))
    write_json(given.output / "results.json", found)
    for claim in found.claims:
        shown = claim.estimate
        print(f"{claim.verdict:13} {claim.number}. {claim.set}: {claim.what} {shown.value:.3f} "
              f"({shown.low:.3f} to {shown.high:.3f})")  # fmt: skip


async def measure(given: argparse.Namespace, say: Callable[[str], None]) -> Judged:
    """Every row of every set that is there, once."""
    reads = msgspec.json.decode(TRAINED.read_bytes(), type=Trained).chosen.reads
    config = judge(given.models / FOLDER, reads)
    read = {labelled.name: labelled.read(given.sets) for labelled in SETS}
    sets = {name: rows for name, rows in read.items() if rows is not None}
    files = {name: given.output / "scores" / f"{slug(name)}.jsonl" for name in sets}
    async with AsyncExitStack() as stack:
        gate = build_gate(FAITHFULNESS, config, await started(stack, config.engine, role_of(config)))
        examples = [await example(gate, answer) for answer in ANSWERS]
        for name in [name for name in given.only or sets if name in sets]:
            await scored(gate, sets[name], files[name], say)
    known = {name: known_scores(file) for name, file in files.items()}
    whole = [name for name, rows in sets.items() if all(row.id in known[name] for row in rows)]
    figures: list[SetFigure] = []
    claims: list[Claim] = []
    for name in whole:
        figure, about = of_set(name, sets[name], [known[name][row.id].score for row in sets[name]], given.seed)
        figures.append(figure)
        claims += about
    claims.sort(key=lambda claim: claim.number)
    missing = tuple(name for name in read if name not in whole)
    return Judged(reads, tuple(examples), tuple(figures), tuple(claims), missing)


def judge(folder: Path, reads: str) -> Classifier:
    """The gate that the judge is: as a run would have it."""
    given = {"form": "classifier", "reads": reads, "positive_label": 0}
    return msgspec.convert({**given, "engine": {"kind": "transformers", "model": str(folder)}}, Classifier)


async def example(gate: Gate, answer: str) -> Example:
    """The score of one answer about PASSAGE."""
    row = SetRow("example", "example", PASSAGE, QUESTION, answer, supported=True)
    verdict = await gate.check(row.request())
    if isinstance(verdict, Errored):
        raise TypeError(verdict.detail)
    return Example(answer, round(verdict.score, 4))


def of_set(name: str, rows: Sequence[SetRow], scores: Sequence[Score], seed: int) -> tuple[SetFigure, list[Claim]]:
    """All that is said of one set."""
    words = [in_source(row) for row in rows]
    figure = SetFigure(
        name, measured(rows, scores, seed=seed), measured(rows, words, seed=seed), tuple(_kinds(rows, scores, seed))
    )
    claims = [Claim(5, name, "the judge", figure.judge.auroc, verdict_of(figure.judge.auroc, against=AGAINST[5]))]
    if likelihood := _likelihood(name, rows):
        claims.append(_less(6, name, "likelihood", difference(rows, scores, likelihood, seed=seed)))
    claims.append(_less(7, name, "words", difference(rows, scores, words, seed=seed)))
    return figure, claims


def in_source(row: SetRow) -> Score:
    """The share of the answer's content words that stand in its source, in [0, 1]; None where it has none."""
    there = stems(row.passage)
    said = [stem(word) for word in content_words(row.answer)]
    return sum(word in there for word in said) / len(said) if said else None


AGAINST = {5: 0.5, 6: 0.0, 7: 0.0}
"""What the interval of each claim must lie above."""


def table(found: Judged) -> list[str]:
    """A line for each set, as the page has them."""
    lines: list[str] = []
    for each in found.figures:
        of = each.judge
        figures = (of.auroc, each.words.auroc, of.f1, of.f1_of_rejecting_all)
        cells = (each.set, f"{of.judged} of {of.rows}", *map(interval, figures))
        lines.append(f"| {' | '.join((*cells, *(_verdict(found, number, each.set) for number in AGAINST)))} |")
    return lines


def kinds_table(found: Judged) -> list[str]:
    """A line for each kind of flaw of each set that names them."""
    return [
        f"| {each.set} | {kind.kind} | {kind.bad_rows} | {interval(kind.auroc)} |"
        for each in found.figures
        for kind in each.kinds
    ]


def _verdict(found: Judged, number: int, name: str) -> str:
    claims = [claim for claim in found.claims if claim.number == number and claim.set == name]
    if not claims:
        return "not run"
    return f"{claims[0].verdict}" if number == 5 else f"{claims[0].verdict}, {_signed(claims[0].estimate)}"


def _signed(of: Estimate) -> str:
    return f"{of.value:+.3f} ({of.low:+.3f} to {of.high:+.3f})"


def _kinds(rows: Sequence[SetRow], scores: Sequence[Score], seed: int) -> Iterator[KindFigure]:
    kinds = sorted({kind for row in rows if not row.supported for kind in row.kind.split(", ") if kind})
    for kind in kinds:
        taken = [place for place, row in enumerate(rows) if row.supported or kind in row.kind.split(", ")]
        chosen = [rows[place] for place in taken]
        found = measured(chosen, [scores[place] for place in taken], seed=seed)
        yield KindFigure(kind, sum(not row.supported for row in chosen), found.auroc)


def _likelihood(name: str, rows: Sequence[SetRow]) -> list[Score] | None:
    """The study's scores of these rows; None where that arm was not run."""
    known: Mapping[str, Scored] = known_scores(LIKELIHOOD / f"{slug(name)}-likelihood-exact.jsonl")
    return [known[row.id].score for row in rows] if all(row.id in known for row in rows) else None


def _less(number: int, name: str, other: str, found: Estimate) -> Claim:
    return Claim(number, name, f"the judge less {other}", found, verdict_of(found, against=AGAINST[number]))


if __name__ == "__main__":
    main()
