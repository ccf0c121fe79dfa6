"""Measures the shipped models and writes their cards: `python -m studies.arithmetic.cards --models DIR`.

Law: a card states what was measured and how to measure it again; no figure is written by hand.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from studies.arithmetic.truth import right, spurious
from studies.arithmetic.world import EASY, HARD, Problem, problems
from studies.stepwise.net import Net, from_library
from studies.stepwise.rows import Words
from studies.stepwise.sample import Sampler

LEVELS = {"easy": EASY, "hard": HARD}
TEMPERATURES = (0.0, 0.7, 1.0)


class Note(msgspec.Struct, frozen=True):
    """What a model's training leaves beside it, in training.json."""

    what: str
    parameters: int
    seconds: int
    steps: list[int]
    """Of each course."""
    run: str
    """The command."""

    @classmethod
    def read(cls, folder: Path) -> "Note":
        """The folder's."""
        return msgspec.json.decode((folder / "training.json").read_bytes(), type=cls)

    def write(self, folder: Path) -> None:
        """Into the folder."""
        (folder / "training.json").write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")


@dataclass(frozen=True)
class Figure:
    """At one level and temperature."""

    level: str
    temperature: float
    solved: float
    spurious: float
    """Of the solved: with a useless or wrong step."""


def solutions(net: Net, words: Words, asked: Sequence[Problem], *, temperature: float, seed: int) -> list[str]:
    """One solution for each problem."""
    sampler = Sampler(words.pad, words.end, temperature=temperature)
    found = sampler.completions(net, [words.asked(one.text) for one in asked], seed=seed)
    return [words.text(ids) for ids in found]


def measured(folder: Path, *, count: int, seed: int) -> list[Figure]:
    """All levels and temperatures; training can have met the problems by chance alone."""
    words = Words(PreTrainedTokenizerFast.from_pretrained(folder))
    net, found = from_library(LlamaForCausalLM.from_pretrained(folder, use_safetensors=True)), list[Figure]()
    for name, level in LEVELS.items():
        asked = problems(level, count, seed=f"cards {seed}")
        for temperature in TEMPERATURES:
            said = solutions(net, words, asked, temperature=temperature, seed=seed)
            solved = [(one, text) for one, text in zip(asked, said, strict=True) if right(one, text)]
            beside = sum(spurious(one, text) for one, text in solved)
            found.append(Figure(name, temperature, len(solved) / count, beside / max(1, len(solved))))
    return found


def card(name: str, figures: Sequence[Figure], note: Note, *, count: int, seed: int) -> str:
    """The card's text."""
    lines = [f"| {one.level} | {one.temperature} | {one.solved:.0%} | {one.spurious:.0%} |" for one in figures]
    table = "\n".join(lines)
    return f"""---
pipeline_tag: text-generation
library_name: transformers
---
# {name}

{note.what}

It knows the words and the numbers of its world (`studies/arithmetic/world.py`) and nothing else: a test instrument for
per-step credit, not a model for use.

## Shape and training
Llama architecture, {note.parameters:,} parameters in bfloat16, a tokenizer of whole words and numbers with byte
fallback. Trained from scratch in {note.seconds} s on 1 CPU thread, on problems made on the fly (steps of 64 problems in
the courses `SKILLS` and `LENGTH` of `train.py`: {note.steps[0]:,} and {note.steps[1]:,}).

```
{note.run}
```

## Measured
On {count} problems of each level (easy: 2–3 steps, hard: 3–5, each with 1–2 distractors). Spurious: of the
solved, those with a step that is useless or wrong by the world's facts.

| level | temperature | solved | spurious |
| --- | --- | --- | --- |
{table}

```
python -m studies.arithmetic.cards --models examples/arithmetic/models --problems {count} --seed {seed}
```
"""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure the arithmetic models and write their cards.")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--problems", type=int, default=400)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for folder in sorted(path.parent for path in given.models.glob("*/training.json")):
        note = Note.read(folder)
        figures = measured(folder, count=given.problems, seed=given.seed)
        text = card(folder.name, figures, note, count=given.problems, seed=given.seed)
        (folder / "README.md").write_text(text, encoding="utf-8")
        print(folder.name, *(f"{one.level}@{one.temperature}: {one.solved:.2f}" for one in figures), flush=True)


if __name__ == "__main__":
    main()
