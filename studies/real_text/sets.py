"""Three sets of real text that people have labelled, as rows that a gate is asked.

Law: a row is what its file says. `source` names the text that a row rests on: rows of one source are never independent,
so they are resampled together and stand on one side of a split. A set whose file is not there is told, not guessed.

FEVER-symmetric (Schuster et al. 2019, arXiv 1908.05267): each claim and each evidence occurs with both labels, so a
judge that reads one of the two alone is at chance. BEGIN (Dziri et al. 2022, arXiv 2105.00071), its Wizard of Wikipedia
part: natural errors of dialogue models; the label `Generic` is left out. SummEdits (Laban et al. 2023), two domains:
small edits of summaries.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from schemas.corpus import Passage, Provenance
from schemas.ids import DocumentId, content_id
from schemas.samples import answered
from schemas.verdicts import GateRequest

FEVER_QUESTION = "What does the passage say?"
SUMMARY_QUESTION = "Summarise the passage."


class SetRow(Struct, frozen=True):
    """One labelled row. `supported`: people say that the passage states all of the answer."""

    id: str
    source: str
    passage: str
    question: str
    answer: str
    supported: bool
    kind: str = ""
    """In what way a bad row is bad, where the set says it."""

    def request(self) -> GateRequest:
        """What a gate is asked."""
        return GateRequest(id=self.id, passage=self.placed(), draft=answered(self.question, self.answer))

    def placed(self) -> Passage:
        """The passage, whole, as a corpus has it."""
        where = Provenance(
            uri=f"set#{self.source}",
            document_id=DocumentId(self.source),
            document_sha256=self.source,
            start=0,
            end=len(self.passage),
            chunker="none",
        )
        return Passage.of(self.passage, where)


class LabelledSet(Struct, frozen=True):
    """A set: where its file lies in the folder of sets, and how it is read."""

    name: str
    file: str
    rows: Callable[[Path], Iterator[SetRow]]

    def read(self, folder: Path) -> list[SetRow] | None:
        """Its rows in the file's order; None where the file is not there."""
        path = folder / self.file
        return list(self.rows(path)) if path.is_file() else None


def _fever(path: Path) -> Iterator[SetRow]:
    """Claims and evidence are crossed: what shares either, however far around, is one source."""
    read = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    sources = _joined((found["claim"], found["evidence"]) for found in read)
    for number, found in enumerate(read, 1):
        yield SetRow(
            id=f"fever:{number}",
            source=content_id(sources[found["evidence"]]),
            passage=found["evidence"],
            question=FEVER_QUESTION,
            answer=found["claim"],
            supported=found["label"] == "SUPPORTS",
        )


def _joined(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Of each text one of those that it is connected with, the same for all of them."""
    parents: dict[str, str] = {}

    def root(text: str) -> str:
        while (above := parents.setdefault(text, text)) != text:
            text = above
        return text

    for one, other in pairs:
        parents[root(one)] = root(other)
    return {text: root(text) for text in list(parents)}


def _begin(path: Path) -> Iterator[SetRow]:
    with path.open(encoding="utf-8", newline="") as file:
        for number, found in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 1):
            if found["begin_label"] != "Generic":
                yield SetRow(
                    id=f"begin:{number}",
                    source=content_id(found["knowledge"]),
                    passage=found["knowledge"],
                    question=found["message"],
                    answer=found["response"],
                    supported=found["begin_label"] == "Fully attributable",
                )


def _summedits(path: Path) -> Iterator[SetRow]:
    for found in json.loads(path.read_text(encoding="utf-8")):
        yield SetRow(
            id=f"summedits:{found['id']}",
            source=content_id(found["doc"]),
            passage=found["doc"],
            question=SUMMARY_QUESTION,
            answer=found["summary"],
            supported=found["label"] == 1,
            kind=", ".join(found.get("edit_types") or ()),
        )


SETS = (
    LabelledSet("FEVER-symmetric", "fever_symmetric/fever_symmetric_dev.jsonl", _fever),
    LabelledSet("BEGIN", "begin/begin_dev_wow.tsv", _begin),
    LabelledSet("SummEdits, abstracts", "summedits/summedits_scitldr.json", _summedits),
    LabelledSet("SummEdits, e-mails", "summedits/summedits_sales_email.json", _summedits),
)
