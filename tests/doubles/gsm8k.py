"""Real solutions of grade-school problems, where this machine has them (`tests.shared`). They are no part of the
project."""

import json
from pathlib import Path

from msgspec import Struct, convert

from tests.shared import shared


class Solved(Struct, frozen=True):
    """One solution that a model wrote, with its label."""

    question: str
    ground_truth: str
    solution: str
    is_correct: bool


def solutions_file() -> Path:
    """`solutions_dev.jsonl`; the test is skipped where there is none, and fails in continuous integration."""
    return shared("data/gsm8k/solutions_dev.jsonl")


def solutions() -> list[Solved]:
    """All labelled solutions, in the file's order."""
    return [convert(json.loads(line), Solved) for line in solutions_file().read_text("utf-8").splitlines()]
