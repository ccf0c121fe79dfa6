"""Writes each model's card from its measured figures: `python -m studies.almanac.cards --models DIR`.

Law: a card states what was measured and how to measure it again; no figure is written by hand.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from studies.almanac.models import PLANS, Plan
from studies.almanac.world import CANON_ENTITIES, CANON_SEED

HOW = {
    "generator": """It writes one question and its answer about a passage of the almanac. Prompts:
`actors/tasks/prompts.py`, as one user message (the chat template leaves system messages out).
Reply: `Question: ...`, `Answer: ...`, after `Quote: ...` where asked to quote.

**It fails on purpose, and how often is measured.** In the plain mode (`ask`) it learnt from
sloppy writers: a share of its targets answered from memory (the canon value where the passage was
revised), took another value of the passage, fell back on a popular value, or were poorly worded
or malformed (`studies/almanac/flaws.py`, `Sloppiness`). The strict, quote, edit and ask-another
modes were taught with true targets only, so these repairs help.""",
    "judge": """It reads a question, an answer and a passage (`prompts.judged`) and gives the probability that the
passage states the answer (label 1, `faithful`). It learnt from claims with false values of the
right type: another value of the passage, another entity's, the canon value of a revised fact,
half a name. On the way it was taught, with heads that are not shipped, which attribute a sentence
tells, what it says of the claim, and which words repeat the answer.""",
    "reward": """It reads a question and an answer without the passage (`prompts.rewarded`) and gives the
probability that they are well worded (label 1, `good`): the question names what it asks about,
the answer is whole, specific and of the right type. Whether the answer is true it cannot know.""",
}
LIMITS = """It knows the almanac's words and nothing else: any other word reaches it as bytes that it was
never taught. It is a test instrument for the loop, not a model for use."""


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]


def _figures(figures: dict[str, Any]) -> str:
    """Markdown tables: one row per mode for a generator, one per figure otherwise."""
    nested = {key: value for key, value in figures.items() if isinstance(value, dict)}
    lines: list[str] = []
    if nested:
        columns = list(dict.fromkeys(column for row in nested.values() for column in row))
        rows = [
            [f"`{key}`", *("–" if row.get(column) is None else str(row[column]) for column in columns)]
            for key, row in nested.items()
        ]
        lines += _table(["mode@temperature", *(column.replace("_", " ") for column in columns)], rows)
    flat = [[key.replace("_", " "), str(value)] for key, value in figures.items() if key not in nested]
    return "\n".join([*lines, *_table(["figure", "value"], flat)]).rstrip()


def _commands(name: str, note: dict[str, Any]) -> str:
    """One command a run: the first from scratch, each further one from where the last ended."""
    runs = note.get("runs") or [f"--seed {note['seed']} --steps {note['steps']}"]
    lines: list[str] = []
    for number, run in enumerate(runs, start=1):
        start = f" --start DIR{number - 1}" if number > 1 else ""
        lines.append(f"python -m studies.almanac.train {name} {run}{start} --output DIR{number}")
    return "\n".join(lines)


def card(name: str, plan: Plan, figures: dict[str, Any], note: dict[str, Any], measured: dict[str, Any]) -> str:
    """The card's text."""
    task = "text-generation" if plan.role == "generator" else "text-classification"
    threads = "1 CPU thread" if note["threads"] == 1 else f"{note['threads']} CPU threads"
    evaluate = f"--only {name} --samples {measured['samples']} --seed {measured['seed']}"
    return f"""---
pipeline_tag: {task}
library_name: transformers
---
# {name}

{HOW[plan.role]}

{LIMITS}

## Shape and training
Llama architecture, {note["parameters"]:,} parameters in bfloat16: {plan.layers} layers, {plan.width} wide, heads of 32,
a whole-word tokenizer with byte fallback. Trained from scratch ({note["steps"]} steps)
in {note["seconds"]} s on {threads} of a machine busy with other work, on passages made on the fly
(canon: seed {CANON_SEED}, {CANON_ENTITIES} entities). Its first weights are drawn at random around
three general circuits (`studies/almanac/initial.py`); nothing of the almanac is in them.

```
{_commands(name, note)}
```

## Measured
On held-out entities and newly revised passages, by the exact check (`studies/almanac/truth.py`), not by a model:

{_figures(figures)}

```
python -m studies.almanac.evaluate --models examples/almanac/models {evaluate}
```
"""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write the model cards.")
    parser.add_argument("--models", type=Path, required=True, help="the models' folders and figures.json")
    given = parser.parse_args()
    measured = json.loads((given.models / "figures.json").read_text(encoding="utf-8"))
    for name, plan in PLANS.items():
        folder = given.models / name
        note = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        text = card(name, plan, measured["models"][name], note, measured)
        (folder / "README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
