"""Writes the quickstart's corpus and what is true of it: `python -m studies.almanac.corpus --output examples/almanac`.

Law: half of the documents tell of entities that no model has seen, half revise facts that models may know by heart.
"""

import argparse
import json
from pathlib import Path

from studies.almanac.data import Told
from studies.almanac.exam import exam

DOCUMENTS = 200
SEED = 2026


def document(index: int, told: Told) -> tuple[dict[str, object], dict[str, object]]:
    """The corpus line and the truth line of one passage."""
    name = f"almanac-{index:03d}"
    canon = told.canon
    facts = [
        {
            "entity": fact.entity.name,
            "kind": fact.entity.kind,
            "attribute": fact.attribute.key,
            "value": fact.value,
            "canon": canon.get(fact.attribute.key) if canon and fact.entity == told.passage.main else None,
        }
        for fact in told.passage.facts
    ]
    edition = "held-out" if canon is None else "revised"
    truth = {"id": name, "edition": edition, "main": told.passage.main.name, "facts": facts}
    return {"id": name, "text": told.passage.text}, truth


def write(folder: Path, *, documents: int = DOCUMENTS, seed: int = SEED) -> None:
    """Writes corpus.jsonl and truth.jsonl into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [document(index, told) for index, told in enumerate(exam(documents, seed=seed))]
    for name, side in (("corpus.jsonl", 0), ("truth.jsonl", 1)):
        lines = [json.dumps(pair[side], ensure_ascii=False) + "\n" for pair in pairs]
        (folder / name).write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write the almanac's corpus and truth.")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    write(given.output, documents=given.documents, seed=given.seed)


if __name__ == "__main__":
    main()
