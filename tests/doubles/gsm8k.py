"""Real solutions of grade-school problems, where this machine has them. They are no part of the project.

`GSM8K` names their folder; without it, `../shared/data/gsm8k` beside the checkout is looked into.
"""

import json
import os
from pathlib import Path

import pytest
from msgspec import Struct, convert

FOLDER = Path(os.environ.get("GSM8K", Path(__file__).parents[2] / ".." / "shared" / "data" / "gsm8k"))


class Solved(Struct, frozen=True):
    """One solution that a model wrote, with its label."""

    question: str
    ground_truth: str
    solution: str
    is_correct: bool


def solutions_file() -> Path:
    """`solutions_dev.jsonl`; the test is skipped where there is none."""
    path = FOLDER / "solutions_dev.jsonl"
    if not path.is_file():
        pytest.skip("no GSM8K solutions here: set GSM8K to the folder that holds solutions_dev.jsonl")
    return path


def solutions() -> list[Solved]:
    """All labelled solutions, in the file's order."""
    return [convert(json.loads(line), Solved) for line in solutions_file().read_text("utf-8").splitlines()]
