"""Trains a solver from scratch: `python -m studies.arithmetic.train solver-small --output DIR`.

Law: problems are made while training runs and none is shown twice on purpose. First the skills (easy problems), then
rounds of longer ones until the share of hard problems that is asked for is solved: what is left is there to be learnt.
"""

import argparse
import itertools
import math
import random
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import GenerationConfig

from studies.arithmetic import tokenizer as world_tokenizer
from studies.arithmetic.cards import Note, solutions
from studies.arithmetic.models import SCALES, untrained
from studies.arithmetic.teacher import PATIENT, Teacher
from studies.arithmetic.truth import right
from studies.arithmetic.world import EASY, HARD, LONGER, Level, problem, problems
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
LENGTH = Course(LONGER, PATIENT, Tuning(steps=300, rate=2e-3, rows=64, muon=0.01))
"""One round of it."""
CHECK = 200
"""Hard problems that a round is followed by."""
WHAT = (
    "It solves word problems step by step. It was taught easy problems, worked in full nine times out of ten, then "
    "longer ones until it solved the share of hard ones that was asked for. The study of per-step credit "
    "(`studies/stepwise`) starts from base-small."
)


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


def solved(net: Net, words: Words) -> float:
    """Share of hard problems solved at temperature 1, on problems of no other use."""
    asked = problems(HARD, CHECK, seed="length check")
    said = solutions(net, words, asked, temperature=1.0, seed=0)
    return sum(right(one, text) for one, text in zip(asked, said, strict=True)) / CHECK


def lengthened(net: Net, words: Words, *, seed: int, share: float, limit_s: float) -> int:
    """Rounds of longer problems until the share is solved, or the time is up after a round; returns the steps taken."""
    started, steps = time.monotonic(), 0
    for number in itertools.count():
        steps += taught(net, LENGTH, words, seed=f"length {seed} {number}")
        found, spent = solved(net, words), time.monotonic() - started
        print(f"round {number}: {found:.3f} of the hard problems solved, {spent:.0f} s", flush=True)
        if found >= share or spent >= limit_s:
            break
    return steps


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train one solver of the arithmetic world from scratch.")
    parser.add_argument("name", choices=sorted(SCALES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=math.inf, help="for each of the two courses")
    parser.add_argument("--share", type=float, default=0.6, help="of the hard problems, to be solved in the end")
    given = parser.parse_args()
    torch.set_num_threads(1)
    started, limit_s = time.monotonic(), 60 * given.minutes
    words = Words(world_tokenizer.build())
    net = from_library(untrained(SCALES[given.name], words.tokenizer, seed=given.seed))
    steps = [
        taught(net, SKILLS, words, seed=f"skills {given.seed}", limit_s=limit_s),
        lengthened(net, words, seed=given.seed, share=given.share, limit_s=limit_s),
    ]
    saved(net, words, given.output)
    run = shlex.join(["python", "-m", "studies.arithmetic.train", *sys.argv[1:]])
    parameters = sum(p.numel() for p in net.parameters())
    Note(WHAT, parameters, round(time.monotonic() - started), steps, run).write(given.output)


if __name__ == "__main__":
    main()
