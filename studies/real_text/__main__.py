"""How good gates of a small real model are on real text: `python -m studies.real_text --models .models --output DIR`.

The plan stands in docs/studies/real-text.md, and was committed before the first run.
"""

import argparse
import asyncio
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import get_args

from deployments.engines.roles import role_of
from deployments.local.gates import started
from studies.provenance.bootstrap import Estimate
from studies.real_text.arms import MODES, Arm, Form, Judges, Scored, judge, other_judge, scored
from studies.real_text.measures import Score, difference, measured, youden_threshold
from studies.real_text.results import Claim, Figure, Results, Verdict
from studies.real_text.results_file import write_json
from studies.real_text.sets import SETS, SetRow

COMMITTED = Path(__file__).with_name("scores")
SETS_FOLDER = Path("../shared/data/faithfulness")
LLM_ROWS = 100
SMOKE_ROWS = 24

Asked = tuple[Sequence[SetRow], Sequence[Score]]
Scores = Mapping[Arm, Asked]
"""Of each arm of a set, the rows that it was asked about, and what it gave."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, help="made by python -m studies.real_text.models")
    parser.add_argument("--output", type=Path, required=True, help="a rerun goes on there")
    parser.add_argument("--sets", type=Path, default=SETS_FOLDER, help="the folder of labelled sets")
    parser.add_argument(
        "--judge", help="another model, a folder or a hub's name (docs/studies/scale.md), not the plan's"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--forms", nargs="+", choices=get_args(Form), default=get_args(Form))
    parser.add_argument("--anew", action="store_true", help="ask for the scores that are committed, too")
    parser.add_argument("--smoke", action="store_true", help="few rows: shows that it works, not what is true")
    given = parser.parse_args()
    if not (given.models / ("minilm" if given.judge else "smollm2") / "config.json").is_file():
        sys.exit(f"{given.models} holds no models: python -m studies.real_text.models {given.models}")
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", flush=True)

    hold_judge(given.output, given.judge)
    if not (given.judge or given.anew or given.smoke):
        take_committed(given.output / "scores")
    results = asyncio.run(measure(given, say))
    given.output.mkdir(parents=True, exist_ok=True)
    write_json(given.output / "results.json", results)
    for claim in results.claims:
        found = claim.estimate
        print(f"{claim.verdict:13} {claim.number}. {claim.set}: {claim.what} {found.value:.3f} "
              f"({found.low:.3f} to {found.high:.3f})")  # fmt: skip
    for name in results.missing:
        print(f"{name}: its file is not in {given.sets}")


def take_committed(folder: Path) -> None:
    """Puts the committed scores into the folder, where it has none of that arm: a run in parts goes on with them."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(COMMITTED.glob("*.jsonl")):
        if not (folder / file.name).exists():
            shutil.copyfile(file, folder / file.name)


def hold_judge(folder: Path, model: str | None) -> None:
    """A folder holds one judge's scores. `model`: None for the plan's own. Ends the program for those of another."""
    file = folder / "judge.txt"
    holds = file.read_text(encoding="utf-8") if file.exists() else None
    if holds != model and (holds is not None or (folder / "scores").exists()):
        whose = holds or "the plan's judge"
        sys.exit(f"{folder}: holds scores of {whose}; choose another --output")
    if model is not None:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(model, encoding="utf-8")


async def measure(given: argparse.Namespace, say: Callable[[str], None]) -> Results:
    """Every form on every set that is there; one model at a time."""
    read = {labelled.name: labelled.read(given.sets) for labelled in SETS}
    sets = {name: rows for name, rows in read.items() if rows is not None}
    scores: dict[str, dict[Arm, Asked]] = {name: {} for name in sets}
    figures: list[Figure] = []
    for form in given.forms:
        config = other_judge(form, given.judge) if given.judge else judge(form, given.models / "smollm2")
        async with AsyncExitStack() as stack:
            engine = await started(stack, config.engine, role_of(config))
            say(f"{form}: the model is loaded")
            for name, rows in sets.items():
                asked = _asked(rows, form, given)
                for shown in MODES[form]:
                    gate = await Judges(stack, config, engine, rows).gate(shown, given.models / "minilm")
                    file = given.output / "scores" / f"{slug(name)}-{form}-{shown}.jsonl"
                    found = await scored(gate, asked, file, say)
                    arm = Arm(form, shown)
                    scores[name][arm] = asked, [each.score for each in found]
                    figures.append(_figure(name, arm, asked, found, given.seed))
    claims = [claim for name, found in scores.items() for claim in claims_of(name, found, given.seed)]
    missing = tuple(name for name, rows in read.items() if rows is None)
    demo = scores.get("BEGIN", {}).get(Arm("likelihood", "exact"))
    return Results(
        given.seed,
        given.smoke,
        tuple(figures),
        tuple(sorted(claims, key=_by_number)),
        missing,
        None if demo is None else round(youden_threshold(*demo), 3),
    )


def _figure(name: str, arm: Arm, rows: Sequence[SetRow], found: Sequence[Scored], seed: int) -> Figure:
    answered = [each.tokens for each in found if each.score is not None]
    tokens = round(sum(answered) / len(answered), 1) if answered else 0.0
    return Figure(name, arm.form, arm.shown, tokens, measured(rows, [each.score for each in found], seed=seed))


def claims_of(name: str, scores: Scores, seed: int) -> Iterator[Claim]:
    """The plan's claims on one set."""

    def less(number: int, a: Arm, b: Arm) -> Claim:
        rows, one = scores[a]
        others = dict(zip((row.id for row in scores[b][0]), scores[b][1], strict=True))
        other = [others.get(row.id) for row in rows]
        found = difference(rows, one, other, seed=seed)
        what = f"{a.form} {a.shown} less {b.form} {b.shown}"
        return Claim(number, name, what, found, verdict_of(found, against=0.0))

    for form in get_args(Form):
        exact = Arm(form, "exact")
        if exact not in scores:
            continue
        alone = measured(*scores[exact], seed=seed).auroc
        yield Claim(1, name, f"{form} exact", alone, verdict_of(alone, against=0.5))
        if form != "likelihood":
            yield less(2, exact, Arm(form, "none"))
        if form != "llm":
            yield less(3, exact, Arm(form, "bm25"))
            yield less(3, exact, Arm(form, "minilm"))
    if {Arm("likelihood", "exact"), Arm("token", "exact")} <= scores.keys():
        yield less(4, Arm("likelihood", "exact"), Arm("token", "exact"))


def verdict_of(found: Estimate, *, against: float) -> Verdict:
    """By the interval alone. One that could not be made (-1) shows nothing."""
    if found.low > against:
        return "supported"
    return "refuted" if -1 < found.high < against else "not shown"


def _asked(rows: Sequence[SetRow], form: Form, given: argparse.Namespace) -> Sequence[SetRow]:
    most = LLM_ROWS if form == "llm" else len(rows)
    most = min(most, SMOKE_ROWS) if given.smoke else most
    places = sorted(random.Random(given.seed).sample(range(len(rows)), min(most, len(rows))))
    return [rows[place] for place in places]


def slug(name: str) -> str:
    return name.lower().replace(",", "").replace(" ", "-")


def _by_number(claim: Claim) -> int:
    return claim.number


if __name__ == "__main__":
    main()
