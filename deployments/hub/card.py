"""README.md of a pushed dataset: what the Hub and `load_dataset` read in its head, and what a person reads below it.

Law: the head names exactly the splits that have rows. What somebody wrote on the Hub stays: keys of the head that a
push does not set, and the text below `MARK`.
"""

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import yaml
from msgspec import Struct

from actors.exports.card import feature_of
from actors.report.intervals import interval_words
from actors.report.made import (
    backed,
    code_span,
    column_lines,
    how_made,
    model_lines,
    plain,
    size_category,
    unjudged_lines,
)
from actors.report.words import count, percent, plural
from actors.text.strict_yaml import CONSTRUCTOR_FAULTS, parse
from deployments.hub.parts import FOLDER, Splitting
from schemas.config import RunConfig
from schemas.gate_audit import Rate
from schemas.manifest import Manifest
from schemas.probes import ProbedGate
from schemas.pushes import PushSplit

MARK = "<!-- Written by `gleaner push`, which keeps what stands below this line. -->"
LICENSES = 12
"""Licences of sources that are listed; the rest are counted together."""
_HEAD = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)


class CardFacts(Struct, frozen=True, kw_only=True):
    """What a card says. `revision`: the sha256 of manifest.json. `licenses`: rows by what their document states."""

    repo: str
    revision: str
    manifest: Manifest
    config: RunConfig | None
    splitting: Splitting
    splits: tuple[PushSplit, ...]
    licenses: Mapping[str | None, int]
    shared_passages: int
    schema: pa.Schema
    license: str | None

    @property
    def rows(self) -> int:
        return sum(split.rows for split in self.splits)


def card(facts: CardFacts, there: str = "") -> str:
    """The whole card as Markdown. `there`: the one that the repository has."""
    manifest, config = facts.manifest, facts.config
    state = "" if manifest.complete else "\nThe run goes on: more samples will come.\n"
    judged = " that judged it" if manifest.unjudged else ""
    return f"""---
{_head(facts, there)}---

# {plain(manifest.name)}

{plural(facts.rows, "sample")}, each accepted by every gate{judged}{backed(config)}.
Made by Gleaner {plain(manifest.versions.get("gleaner", ""))}.
{state}
```python
from datasets import load_dataset

dataset = load_dataset("{facts.repo}")
```

To stay with this version, load the revision `{facts.revision}`: the sha256 of
`manifest.json`, and the tag of this commit. Each push of more samples has another.

## Splits

{_splits(facts)}

## How it was made

{how_made(manifest, config)}
What is rejected is diagnosed and asked again under a fitting repair.

{_counts(manifest)}

{model_lines(manifest)}

## How good the gates are

{_gates(manifest)}

## Sources

{_sources(facts)}

## Columns

{column_lines(config)}

## Record

`manifest.json` has models, versions, seed, thresholds, counts and the sha256 of every shard of the run; `push.json` has
the shard, rows and sha256 of each file here. The run's configuration has the fingerprint
`{manifest.config_sha256}`. In the run's folder `gleaner explain DIR ID` tells the whole life of the sample with that
`id`: every attempt, verdict, diagnosis and repair.

{MARK}
{_below(there)}"""


def _head(facts: CardFacts, there: str) -> str:
    ours = {
        "pretty_name": facts.manifest.name,
        **({} if facts.license is None else {"license": facts.license}),
        "tags": ["synthetic", "grounded", "gleaner"],
        "task_categories": ["question-answering", "text-generation"],
        "size_categories": [size_category(facts.rows)],
        "dataset_info": {"features": [feature_of(field.name, field.type) for field in facts.schema]},
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split.name, "path": f"{FOLDER}/{split.name}/part-*.parquet"} for split in facts.splits
                ],
                "default": True,
            }
        ],
    }
    kept = {key: value for key, value in head_of(there).items() if key not in ours}
    return yaml.safe_dump({**ours, **kept}, sort_keys=False, allow_unicode=True)


def head_of(there: str) -> dict[str, Any]:
    """The head of a card; empty where it has none that can be read."""
    found = _HEAD.match(there.replace("\r\n", "\n"))
    try:
        head = parse(found[1]) if found else None
    except (yaml.YAMLError, *CONSTRUCTOR_FAULTS):
        return {}
    return head if isinstance(head, dict) else {}


def _below(there: str) -> str:
    """What somebody wrote below our part."""
    return there.partition(MARK)[2].lstrip("\n")


def _splits(facts: CardFacts) -> str:
    rows = [f"| {split.name} | {count(split.rows)} | {count(split.documents)} |" for split in facts.splits]
    table = "\n".join(["| split | samples | documents |", "| --- | --- | --- |", *rows])
    if not facts.splitting.splits:
        return table
    shares = ", ".join(f"{split.name} {percent(split.share)}" for split in facts.splitting.splits)
    same = (
        "No passage of another split stands in train word for word."
        if not facts.shared_passages
        else f"{plural(facts.shared_passages, 'passage')} of other splits stand in train too, word for word, in "
        "another document: filter by `passage` where that matters."
    )
    return (
        f"{table}\n\nA document is in one split with all its samples, by the sha256 of its text and the seed "
        f"{facts.splitting.seed} ({shares} of the documents, the rest train); so it stays in later pushes. {same}"
    )


def _counts(manifest: Manifest) -> str:
    counts = manifest.counts
    recovered = percent(manifest.recovery_rate if counts.rejected else None)
    return f"""| of the whole run, so far | |
| --- | --- |
| orders issued | {count(counts.issued)} |
| accepted | {count(counts.accepted)} ({percent(manifest.yield_ if counts.needed else None)}) |
| at the first attempt | {count(counts.first_pass)} |
| recovered of rejected | {count(counts.recovered)} of {count(counts.rejected)} ({recovered}) |
{unjudged_lines(manifest)}| dead-lettered, not in these files | {count(counts.dead_lettered)} |
| outstanding | {count(counts.outstanding)} |
| probes, to measure the gates; not in these files | {count(manifest.probes.issued)} |
| tokens | {count(manifest.tokens)} |"""


def _gates(manifest: Manifest) -> str:
    present = [gate for gate in manifest.probes.gates if gate.last]
    if not present:
        return "They were not measured in this run, so it is not known how many of these samples are good."
    rows = [_gate(gate, manifest.thresholds.get(gate.gate)) for gate in present]
    return "\n".join(
        [
            "Measured in the run itself by probes, labelled samples that went through the same gates; each rate with "
            "its 95% interval.\n",
            "| gate | threshold | probes | precision: bad of rejected | recall: rejected of bad | good ones passed |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "\nPrecision depends on how many of the probes are bad; recall and the last column do not. A sample had to "
            "pass all gates.",
        ]
    )


def _gate(gate: ProbedGate, threshold: float | None) -> str:
    of = gate.whole
    cells = (
        code_span(gate.gate),
        "–" if threshold is None else f"{threshold:g}",
        count(gate.judged),
        *(map(_rate, (of.precision, of.recall, of.good_passed))),
    )
    return f"| {' | '.join(cells)} |"


def _rate(rate: Rate) -> str:
    if not rate.trials:
        return "–"
    interval = interval_words(rate.successes, rate.trials)
    return f"{percent(rate.value)} ({interval}; {count(rate.successes)} of {count(rate.trials)})"


def _sources(facts: CardFacts) -> str:
    if not backed(facts.config):
        return "The samples rest on no documents."
    stated = sorted(facts.licenses.items(), key=lambda each: (-each[1], each[0] or ""))
    rows = [f"| {_terms(terms)} | {count(rows)} |" for terms, rows in stated[:LICENSES]]
    rest = sum(rows for _, rows in stated[LICENSES:])
    rows += [f"| {count(len(stated) - LICENSES)} others | {count(rest)} |"] if rest else []
    return "\n".join(
        [
            "Each row has its passage's exact place (`provenance`): the document's uri and sha256, from which "
            "character to which, and the licence or terms that the document or the run's configuration states.\n",
            "| licence of the source, as stated | samples |",
            "| --- | --- |",
            *rows,
        ]
    )


def _terms(terms: str | None) -> str:
    return "none stated" if terms is None else code_span(terms.replace("|", "¦")[:200])
