"""Writes the example's problems: `python -m studies.arithmetic.corpus --output examples/arithmetic`.

Law: no problem of the study's training, development or test sets is among them (another seed).
"""

import argparse
import json
import random
from pathlib import Path

from studies.arithmetic.teacher import CLEAN
from studies.arithmetic.world import HARD, problems

PROBLEMS = 200
SEED = "example"


def write(folder: Path, *, count: int = PROBLEMS) -> None:
    """Writes problems.jsonl into the folder: question and worked answer, as the task `math` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(SEED)
    lines = [
        json.dumps({"id": f"arithmetic-{number:03d}", "question": one.text, "answer": CLEAN.solution(one, dice)}) + "\n"
        for number, one in enumerate(problems(HARD, count, seed=SEED))
    ]
    (folder / "problems.jsonl").write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write the arithmetic example's problems.")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    given = parser.parse_args()
    write(given.output, count=given.problems)


if __name__ == "__main__":
    main()
