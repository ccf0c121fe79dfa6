"""Trains a solver from scratch: `python -m studies.arithmetic.train solver-small --output DIR`.

Law: problems are made while training runs and none is shown twice on purpose. First the skills (easy problems, worked
in full), then problems of the hard level by the strong teacher: so a solver both knows more than it shows and has
picked up habits it cannot afford, which is what the study of credits needs.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import GenerationConfig, LlamaForCausalLM

from studies.arithmetic import tokenizer as world_tokenizer
from studies.arithmetic.models import SCALES, untrained
from studies.arithmetic.teacher import PATIENT, STRONG, Teacher
from studies.arithmetic.world import EASY, HARD, LONGER, Level, problem
from studies.stepwise.fit import Loss, Tuning, descend, likelihood
from studies.stepwise.net import Net, from_library, to_library
from studies.stepwise.rows import Words


@dataclass(frozen=True)
class Course:
    """What is taught, by whom, for how long."""

    level: Level
    teacher: Teacher
    tuning: Tuning


SKILLS = Course(EASY, PATIENT, Tuning(steps=1500, rate=3e-3, rows=64, muon=0.02))
LENGTH = Course(LONGER, PATIENT, Tuning(steps=1200, rate=2e-3, rows=64, muon=0.01))
HABITS = Course(HARD, STRONG, Tuning(steps=200, rate=1e-3, rows=64))


def fresh(course: Course, words: Words, rng: random.Random) -> Iterator[Loss]:
    """Batches of new problems without end."""
    while True:
        drawn = [problem(course.level, rng) for _ in range(course.tuning.rows)]
        yield likelihood([words.row(one.text, course.teacher.solution(one, rng)) for one in drawn], words.pad)


def taught(net: Net, course: Course, words: Words, *, seed: str, limit_s: float = math.inf) -> int:
    """Runs the course (the net is changed in place); returns the steps taken."""
    losses = fresh(course, words, random.Random(seed))
    return descend(net, losses, course.tuning, say=seed, limit_s=limit_s)


def saved(net: Net, words: Words, output: Path) -> None:
    """Writes the model in Hugging Face format, in bfloat16, with its tokenizer."""
    model = to_library(net).to(torch.bfloat16)  # pyright: ignore[reportArgumentType]
    model.generation_config = GenerationConfig(
        eos_token_id=words.end, pad_token_id=words.pad, max_new_tokens=world_tokenizer.LENGTH // 2
    )
    model.save_pretrained(output)
    words.tokenizer.save_pretrained(output)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train one solver of the arithmetic world from scratch.")
    parser.add_argument("name", choices=sorted(SCALES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=math.inf, help="for each of the first two courses")
    parser.add_argument("--base", type=Path, default=None, help="where to put the model that knows the skills alone")
    parser.add_argument("--start", type=Path, default=None, help="weights that know the skills already")
    given = parser.parse_args()
    torch.set_num_threads(1)
    started = time.monotonic()
    words = Words(world_tokenizer.build())
    begun = untrained(SCALES[given.name], words.tokenizer, seed=given.seed)
    net = from_library(begun if given.start is None else LlamaForCausalLM.from_pretrained(given.start))
    steps = [
        0 if given.start else taught(net, SKILLS, words, seed=f"skills {given.seed}", limit_s=60 * given.minutes),
        taught(net, LENGTH, words, seed=f"length {given.seed}", limit_s=60 * given.minutes),
    ]
    if given.base is not None:
        saved(net, words, given.base)
    steps.append(taught(net, HABITS, words, seed=f"habits {given.seed}"))
    saved(net, words, given.output)
    note = {
        "model": given.name,
        "seed": given.seed,
        "steps": steps,
        "seconds": round(time.monotonic() - started),
        "parameters": sum(p.numel() for p in net.parameters()),
    }
    (given.output / "training.json").write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
