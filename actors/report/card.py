"""README.md of the output folder: a Hugging Face dataset card. Law: its head makes `load_dataset(FOLDER)` work."""

import re
from collections.abc import Sequence
from html import escape

import yaml

from actors.dataset.executions import EXECUTIONS_HOLD
from actors.report.intervals import interval_words
from actors.report.words import count, duration, model_name, percent, spoken
from schemas.config import GroundedAnswer, Math, RunConfig
from schemas.config_cascade import judging
from schemas.config_gates import executes
from schemas.config_tasks import Code, CustomTask, Prompted
from schemas.ledger import ShardKind
from schemas.manifest import Manifest
from schemas.verdicts import FAITHFULNESS, REWARD, VERIFIER

_COLUMNS = (
    ("id", "the order's id: from content and plan, the same in every run of this configuration"),
    ("messages", "user (passage and question) and assistant (answer), as chat trainers read them"),
    ("question, answer", "the sample"),
    ("passage", "the exact text of the corpus that the answer rests on; for math, the problem"),
    (
        "reference",
        "the problem's reference answer as the corpus has it, which the answer was verified against; else null",
    ),
    ("quote", "the sentence that the generator said it used, where it was asked to quote"),
    (
        "provenance",
        "uri, document id and sha256, start and end in characters: passage == document[start:end]; where the document "
        "has them: its pages, chapters or lines (`place`), its licence as stated, and what made the text of its file",
    ),
    ("scores", "what each gate gave the accepted attempt, in [0, 1]; null where a gate did not judge"),
    ("unjudged", "gates that did not judge the sample, because its order was not in their share"),
    (
        "evidence",
        "claims with the quotes that back them, each at its place in the passage, or in `passage_id`'s",
    ),
    ("lineage", "order, passage, slot, attempts, pool, model, sampling, failure modes and repairs on the way"),
    ("tokens", "spent on the sample over all its attempts"),
)


_GROUNDED = """A generator writes a question and its answer from one passage. A faithfulness gate judges them against
that exact passage, a reward gate without it; both must pass."""
_SOLVED = """A generator solves the corpus's problems step by step. A verifier compares each final answer with the
problem's reference answer by computation."""
_WRITES = "A generator writes a question and its answer from one passage."
_WEAK = ", which holds accidents and no attack (docs/sandbox.md)"
_WRITES_CODE = (
    "A generator writes a question that asks for a Python function, the function, and its tests, from one passage. "
    "`messages` are question and function."
)
_SOLVES_CODE = (
    "A generator writes a Python function for each of the corpus's problems, whose tests it does not see. `messages` "
    "are problem and function; `reference` has the tests."
)
_SOLVES = "A generator solves the corpus's problems step by step."


def card(
    manifest: Manifest, config: RunConfig | None, *, documents: int | None, passages: int, ledgers: int = 1
) -> str:
    """The whole card as Markdown. `config`: the folder's configuration. `ledgers`: the number of its ledgers."""
    counts = manifest.counts
    recovered = percent(manifest.recovery_rate if counts.rejected else None)
    state = "" if manifest.complete else "\nThe run is not finished: more samples will come.\n"
    judged = " that judged it" if manifest.unjudged else ""
    return f"""---
{_head(manifest)}---

# {_plain(manifest.name)}

{count(counts.accepted)} samples, each accepted by every gate{judged}{_backed(config)}.
Made by Gleaner {_plain(manifest.versions.get("gleaner", ""))}; `report.html` shows the run.
{state}
## How it was made

{_how(manifest, config)}
What is rejected is diagnosed and asked again under a fitting repair.

| | |
| --- | --- |
| documents, passages | {"–" if documents is None else count(documents)}, {count(passages)} |
| orders issued | {count(counts.issued)} |
| accepted | {count(counts.accepted)} ({percent(manifest.yield_ if counts.needed else None)}) |
| at the first attempt | {count(counts.first_pass)} |
| recovered of rejected | {count(counts.recovered)} of {count(counts.rejected)} ({recovered}) |
{_unjudged(manifest)}| dead-lettered | {count(counts.dead_lettered)} |
| not needed when the run ended | {count(counts.not_needed)} |
| probes, to measure the gates; not in these files | {count(manifest.probes.issued)} |
| outstanding | {count(counts.outstanding)} |
| refused documents | {count(counts.refused_documents)} |
| tokens | {count(manifest.tokens)} |
| wall time | {duration(manifest.wall_seconds)} |

{_models(manifest)}

## Columns

{_bullets([f"`{name}`: {what}" for name, what in (*_COLUMNS, *_varied(config))])}

## Use

```python
from datasets import load_dataset

train = load_dataset("parquet", data_files="dataset/part-*.parquet", split="train")
```

`dead_letters/part-*.parquet` holds every order that ended without a sample, with its reason and whole history, and the
documents that could not be read. `sha256sum -c checksums.txt` checks the files; {_record(ledgers)} the whole record.
"""


def _backed(config: RunConfig | None) -> str:
    has_passages = config is None or config.corpus.none is None
    return " and backed by the exact passage it came from" if has_passages else ""


def _varied(config: RunConfig | None) -> list[tuple[str, str]]:
    """Columns that only some configurations have."""
    if config is None:
        return []
    vary = config.task.vary if isinstance(config.task, Prompted) else {}
    drawn = [("vary", f"what was drawn for the order: {', '.join(f'`{name}`' for name in vary)}")] if vary else []
    return [*drawn, *([("executions", EXECUTIONS_HOLD)] if executes(config.gates) else [])]


def _head(manifest: Manifest) -> str:
    samples = {"split": "train", "path": f"{ShardKind.DATASET.value}/part-*.parquet"}
    configs: list[dict[str, object]] = [{"config_name": "default", "data_files": [samples], "default": True}]
    if any(shard.name.startswith(ShardKind.DEAD_LETTERS.value) for shard in manifest.shards):
        dead = {"split": "train", "path": f"{ShardKind.DEAD_LETTERS.value}/part-*.parquet"}
        configs.append({"config_name": ShardKind.DEAD_LETTERS.value, "data_files": [dead]})
    head = {
        "pretty_name": manifest.name,
        "tags": ["synthetic", "grounded", "gleaner"],
        "task_categories": ["question-answering", "text-generation"],
        "size_categories": [_size(manifest.counts.accepted)],
        "configs": configs,
    }
    return yaml.safe_dump(head, sort_keys=False)


def _unjudged(manifest: Manifest) -> str:
    """A line for each gate that judges a share of the orders alone."""
    return "".join(
        f"| accepted without {_plain(each.gate)}, which judges a share; it would pass {percent(each.precision.value)} "
        f"of them (95%: {interval_words(each.precision.successes, each.precision.trials)}) | {count(each.unjudged)} |\n"
        for each in manifest.unjudged
    )


def _record(ledgers: int) -> str:
    return "`ledger.sqlite` is" if ledgers == 1 else f"`ledger.sqlite` to `ledger-{ledgers - 1}.sqlite` are"


def _size(rows: int) -> str:
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")):
        if rows < limit:
            return name
    return "1M<n<10M"


def _how(manifest: Manifest, config: RunConfig | None) -> str:
    """How samples were made, and which gates judged them. The usual sets of gates have a text of their own."""
    if config is None:
        return _GROUNDED if FAITHFULNESS in manifest.models else _SOLVED
    solves = isinstance(config.task, Math)
    names = judging(config.gates)
    if set(names) == {VERIFIER} and solves:
        return _SOLVED
    if set(names) == {FAITHFULNESS, REWARD} and isinstance(config.task, GroundedAnswer):
        return _GROUNDED
    judged = f"Each must pass: {', '.join(f'`{name}`' for name in names)}." if names else "No gate was asked."
    if isinstance(config.task, CustomTask):
        return f"Made of each passage by the task `{config.task.task}`. {judged}"
    if isinstance(config.task, Prompted):
        fields = ", ".join(f"`{field.name}`" for field in config.task.all_fields)
        of = "" if config.corpus.none is not None else " of each passage"
        return f"A generator writes{of}: {fields}, as the configuration's prompt asks. {judged}"
    if isinstance(config.task, Code):
        return f"{_SOLVES_CODE if config.corpus.has_answers else _WRITES_CODE} {judged}"
    return f"{_SOLVES if solves else _WRITES} {judged}"


def _models(manifest: Manifest) -> str:
    lines = [
        f"{_code(role)}: {_code(model_name(model))}"
        + (f" (threshold {manifest.thresholds[role]:g})" if role in manifest.thresholds else "")
        for role, model in manifest.models.items()
    ]
    lines += [
        f"{_code(gate)}: programs executed, kept apart by {isolation}{_WEAK if isolation == 'process' else ''}"
        for gate, isolation in manifest.isolations.items()
    ]
    modes = [f"{spoken(mode.mode)} {count(mode.attempts)}" for mode in manifest.modes]
    return _bullets(lines) + (f"\n\nRejected attempts by diagnosis: {', '.join(modes)}." if modes else "")


def _plain(text: str) -> str:
    """Escapes a text of a configuration or a ledger, so that it is no tag, link or markup in the card."""
    return escape(re.sub(r"([\\`*_{}\[\]()#|!~])", r"\\\1", _line(text)), quote=False)


def _code(text: str) -> str:
    """The text as a code span, where Markdown and HTML have no meaning."""
    return f"`{_line(text).replace('`', chr(0x2019))}`"


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
