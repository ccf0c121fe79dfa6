"""Trains the four judges of plan 2 and measures them: `python -m studies.provenance.train_judges`.

One recipe: architecture, data and rates are the same, and size and steps differ. A judge that stands is not trained
again, so several calls share the work (`--only`). When all four stand, their AUROC with the exact passage on drafts of
the pilot orders them, and the card is written, to be committed before the first run.

Law: the drafts that measure them are of a pilot's seed; no run's corpus is looked at.
"""

import argparse
import asyncio
import random
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import msgspec
import torch

from actors.gates.evidence import EXACT
from schemas.errors import UserError
from studies.almanac import tokenizer as almanac_tokenizer
from studies.almanac import train
from studies.almanac.exam import auroc
from studies.almanac.models import Plan as Recipe
from studies.almanac.world import CANON_ENTITIES, CANON_SEED, canon
from studies.frame.__main__ import ROOT
from studies.frame.commit import Stamp, pilot_stamp, seed
from studies.frame.plan import place, read
from studies.provenance import modes, runs
from studies.provenance.judge_rows import SourcedClaims
from studies.provenance.judged_tallies import STRENGTHS
from studies.provenance.judges import CARD, TRAINED, Judge, digest
from studies.provenance.kit import FIRST, UNSEEN, plain
from studies.provenance.modes import Labelled
from studies.provenance.plan import LABELLED_SCALE, Plan, Setting
from studies.provenance.told import f1
from studies.provenance.world import build

_ONE = Recipe("judge", width=64, layers=2, steps=600, rows=48, length=128, muon_lr=0.01, adam_lr=2e-3)
RECIPES = {
    "brief": _ONE,
    "small": replace(_ONE, steps=2000),
    "middle": replace(_ONE, width=96, layers=4, steps=2500),
    "large": replace(_ONE, width=128, layers=6, steps=3000),
}
"""The last two wide enough to read a passage well; how strong each is, is measured."""
PILOTS = 4
"""Corpora of the pilot on whose drafts strengths are measured."""


def made(name: str, marked: Stamp, folder: Path) -> Path:
    """The judge of that recipe, trained now where it does not stand."""
    output, recipe, drawn = folder / name, RECIPES[name], seed(marked, "judge", name)
    if not (output / "model.safetensors").exists():
        torch.manual_seed(drawn)
        words, edition = almanac_tokenizer.build(), canon(CANON_SEED, entities=CANON_ENTITIES)
        module, model = train.build(recipe, words)
        batches = SourcedClaims(edition, words, recipe, random.Random(f"judge {name} {drawn}"))
        train.fit(module, batches, recipe, limit_s=float("inf"))
        train.save(model, words, recipe, output)
    return output


async def drafts(marked: Stamp, folders: dict[str, Path], scratch: Path, *, pilots: int = PILOTS) -> list[Labelled]:
    """First attempts of the pilot's corpora as the judges score them with the exact passage."""
    plan, found = Plan(seeds=()), list[Labelled]()
    for number in range(pilots):
        kit = replace(FIRST, papers=plain, injector=UNSEEN)
        world = build(plan, seed(marked, "strengths", number), scratch / "corpora", kit)
        async with AsyncExitStack() as stack:
            shared = await runs.machines(stack, LABELLED_SCALE, scratch / f"{number}", kit)
            tries = await runs.arm(plan, world, shared, setting=Setting(LABELLED_SCALE, 1.0), policy="discard")
        chosen = modes.chosen(plan, tries)
        found += await modes.read(world, chosen, folders, {"exact": EXACT}, scratch / f"{number}")
    return found


def ordered(found: list[Labelled], folders: dict[str, Path]) -> dict[str, Judge]:
    """The card: from the weakest to the strongest."""
    judged: list[Judge] = []
    truth = [one.faithful for one in found]
    for name, folder in folders.items():
        scores = [one.scores[f"{name}/exact"] for one in found]
        judged.append(Judge(name, round(auroc(scores, truth), 4), best(scores, truth), digest(folder)))
    return dict(zip(STRENGTHS, sorted(judged, key=lambda one: one.auroc), strict=True))


def best(scores: list[float], truth: list[bool]) -> float:
    """The threshold, in steps of 0.05, with the highest F1 of rejecting what is not true; of equal ones the first."""

    thresholds = [round(0.05 * step, 2) for step in range(1, 20)]
    return max(thresholds, key=lambda one: f1([score < one for score in scores], truth))


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m studies.provenance.train_judges", description="Four judges.")
    parser.add_argument("--only", nargs="+", choices=tuple(RECIPES), default=tuple(RECIPES))
    given = parser.parse_args()
    torch.set_num_threads(1)
    try:
        plan = read(ROOT / "studies" / "provenance" / "plan-2.yaml")
        marked = pilot_stamp(ROOT, place(plan))
        for name in given.only:
            print(made(name, marked, TRAINED), flush=True)
        folders = {name: TRAINED / name for name in RECIPES}
        if missing := [name for name, folder in folders.items() if not (folder / "model.safetensors").exists()]:
            print(f"not measured yet: {', '.join(missing)} is missing")
            return 1
        found = ordered(asyncio.run(drafts(marked, folders, TRAINED / "drafts")), folders)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    CARD.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    print(f"{CARD}: " + ", ".join(f"{name} {one.recipe} {one.auroc:.3f}" for name, one in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
