"""README.md of an export: a Hugging Face dataset card that describes the columns. Law: its head makes
`load_dataset(FOLDER)` give exactly the splits that have rows."""

from collections.abc import Sequence

import pyarrow as pa
import yaml

from actors.exports.columns import Column
from actors.exports.formats import FormatSpec
from schemas.exports import Export, Form, NameCount, SplitCount, View

_VIEWS = {
    View.ANSWER: "a student's view: passage and question (for math: the problem) in, answer out",
    View.SAMPLE: "a generator's view: what it was asked at its first attempt in, question and answer out",
}
_FORMS = {Form.MESSAGES: "chat messages (TRL's conversational form)", Form.TEXT: "plain text (TRL's standard form)"}


def card(told: Export, format: FormatSpec) -> str:
    """The whole card as Markdown."""
    asked = told.asked
    splits = [split for split in told.splits if split.rows]
    return f"""---
{_head(told, format)}---

# {told.name}: {asked.format.value}

{format.says} {told.rows:,} rows, made from the run's ledger by `gleaner export`, in {_VIEWS[asked.view]}; prompts and
completions are {_FORMS[asked.form]}.
{f"For TRL's `{format.trainer}`." if format.trainer else "TRL has no trainer for it."}
Nothing of a probe, a sample that measures the gates, is here.

| split | rows | passages |
| --- | --- | --- |
{_table(splits)}

A document, with all its passages, is in one split: by the hash of its text and the seed {asked.seed}.

## Columns

{_columns(format.columns(asked.form))}

## Lineage

Each row names the order and the attempt that it comes from: `gleaner explain DIR ORDER_ID` tells the whole life.
`export.json` holds the configuration's sha256, how far the ledger was read, versions, options and each file's sha256.

{_counts("Rejected attempts by diagnosis", told.failure_modes)}
{_counts("Without a row", told.left_out)}
## Use

```python
from datasets import load_dataset

splits = load_dataset("{asked.format.value}")  # this folder
```
"""


def _head(told: Export, format: FormatSpec) -> str:
    suffix = told.asked.files.value
    files = [{"split": split.name, "path": f"{split.name}/part-*.{suffix}"} for split in told.splits if split.rows]
    features = [feature_of(column.name, column.type) for column in format.columns(told.asked.form)]
    head = {
        "pretty_name": f"{told.name}: {told.asked.format.value}",
        "tags": ["synthetic", "gleaner", "trl", told.asked.format.value],
        "dataset_info": [{"config_name": "default", "features": features}],
        "configs": [{"config_name": "default", "data_files": files, "default": True}],
    }
    return yaml.safe_dump(head, sort_keys=False)


def feature_of(name: str, type: pa.DataType) -> dict[str, object]:
    """A column's type in the card's form. Without it, JSON lines get their types from the first rows' values."""
    if isinstance(type, pa.StructType):
        return {"name": name, "struct": [feature_of(field.name, field.type) for field in type]}
    if isinstance(type, pa.ListType):
        of = type.value_type
        each = [feature_of(field.name, field.type) for field in of] if isinstance(of, pa.StructType) else _dtype(of)
        return {"name": name, "list": each}
    return {"name": name, "dtype": _dtype(type)}


def _dtype(type: pa.DataType) -> str:
    return {pa.float64(): "float64"}.get(type, str(type))


def _columns(columns: Sequence[Column]) -> str:
    return "\n".join(f"- `{column.name}`: {column.holds}" for column in columns)


def _counts(title: str, counts: Sequence[NameCount]) -> str:
    return f"{title}: {', '.join(f'{each.name} {each.count:,}' for each in counts)}.\n" if counts else ""


def _table(splits: Sequence[SplitCount]) -> str:
    return "\n".join(f"| {split.name} | {split.rows:,} | {split.passages:,} |" for split in splits)
