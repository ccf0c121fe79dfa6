"""How many accepted samples of a run over the almanac are false, and how many ask for a fact that another sample of
their passage has too, by the world's own truth.

    gleaner run examples/quickstart.yaml --output DIR
    python -m benchmarks.repeats DIR [DIR ...]

A sample repeats another when it asks for the same attribute of the same entity of the same passage; the first of them
counts as none. Law: what is true is the world's word, never the product's.
"""

import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as parquet

from studies.almanac.truth import Asked, Unfaithful, check, facts_of, understood


def main() -> None:
    """Prints a line for each folder: samples, those of a known question, false ones, repeats."""
    for folder in sys.argv[1:]:
        asked: Counter[tuple[str, Asked]] = Counter()
        accepted = false = 0
        for shard in sorted(Path(folder).glob("dataset/part-*.parquet")):
            for row in parquet.read_table(shard).to_pylist():
                accepted += 1
                truth = check(row["passage"], question=row["question"], answer=row["answer"])
                false += isinstance(truth, Unfaithful)
                fact = _fact(row["passage"], row["question"])
                if fact is not None:
                    asked[row["passage"], fact] += 1
        repeats = asked.total() - len(asked)
        sys.stdout.write(
            f"{folder}: {accepted:,} accepted, {asked.total():,} of them with a question of the almanac, "
            f"{false:,} false, {repeats:,} repeat a fact ({repeats / max(1, accepted):.1%})\n"
        )


def _fact(passage: str, question: str) -> Asked | None:
    """Whom and what the question asks for; None where it is none of the almanac's."""
    facts = facts_of(passage)
    main = facts[0].entity if facts else None
    asked = understood(question, kind=main.kind if main else None)
    return None if asked is None else Asked(asked.entity or main, asked.attribute)


if __name__ == "__main__":
    main()
