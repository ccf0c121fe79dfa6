"""README.md of the output folder: a Hugging Face dataset card. Law: its head makes `load_dataset(FOLDER)` work."""

import yaml

from actors.report.made import (
    backed,
    column_lines,
    how_made,
    model_lines,
    plain,
    size_category,
    unjudged_lines,
)
from actors.report.words import count, duration, percent
from schemas.config import RunConfig
from schemas.ledger import ShardKind
from schemas.manifest import Manifest


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

# {plain(manifest.name)}

{count(counts.accepted)} samples, each accepted by every gate{judged}{backed(config)}.
Made by Gleaner {plain(manifest.versions.get("gleaner", ""))}; `report.html` shows the run.
{state}
## How it was made

{how_made(manifest, config)}
What is rejected is diagnosed and asked again under a fitting repair.

| | |
| --- | --- |
| documents, passages | {"–" if documents is None else count(documents)}, {count(passages)} |
| orders issued | {count(counts.issued)} |
| accepted | {count(counts.accepted)} ({percent(manifest.yield_ if counts.needed else None)}) |
| at the first attempt | {count(counts.first_pass)} |
| recovered of rejected | {count(counts.recovered)} of {count(counts.rejected)} ({recovered}) |
{unjudged_lines(manifest)}| dead-lettered | {count(counts.dead_lettered)} |
| not needed when the run ended | {count(counts.not_needed)} |
| probes, to measure the gates; not in these files | {count(manifest.probes.issued)} |
| outstanding | {count(counts.outstanding)} |
| refused documents | {count(counts.refused_documents)} |
| tokens | {count(manifest.tokens)} |
| wall time | {duration(manifest.wall_seconds)} |

{model_lines(manifest)}

## Columns

{column_lines(config)}

## Use

```python
from datasets import load_dataset

train = load_dataset("parquet", data_files="dataset/part-*.parquet", split="train")
```

`dead_letters/part-*.parquet` holds every order that ended without a sample, with its reason and whole history, and the
documents that could not be read. `sha256sum -c checksums.txt` checks the files; {_record(ledgers)} the whole record.
"""


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
        "size_categories": [size_category(manifest.counts.accepted)],
        "configs": configs,
    }
    return yaml.safe_dump(head, sort_keys=False)


def _record(ledgers: int) -> str:
    return "`ledger.sqlite` is" if ledgers == 1 else f"`ledger.sqlite` to `ledger-{ledgers - 1}.sqlite` are"
