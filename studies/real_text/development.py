"""What a judge is worth on development rows: spoilt samples of texts that it was not trained on."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from actors.counts.rates import auroc
from actors.text.words import sentences
from studies.real_text.spoilt import SpoiltRow

Pair = tuple[str, str]
"""A passage and a hypothesis."""
PARTS = ("countries", "others")


class Developed(Struct, frozen=True):
    """AUROC by part, answers read whole and by sentences; by flaw, over both parts, in the better of the two ways."""

    step: int
    whole: Mapping[str, float]
    by_sentences: Mapping[str, float]
    flaws: Mapping[str, float]

    @property
    def best(self) -> float:
        """The mean over the parts, in the better way."""
        return max(_mean(self.whole), _mean(self.by_sentences))

    @property
    def reads(self) -> str:
        """The better way, in the gate's words."""
        return "pair" if _mean(self.whole) >= _mean(self.by_sentences) else "sentences"


def pairs_of(row: SpoiltRow) -> tuple[Pair, ...]:
    """What a gate has a model read of a row: the whole answer first, then each of its sentences."""
    parts = sentences(row.claim)
    said = (row.claim, *(parts if len(parts) > 1 else ()))
    return tuple((row.passage, f"{row.question} {each}".strip()) for each in said)


def developed(step: int, parts: Mapping[str, Sequence[SpoiltRow]], scores: Mapping[Pair, float]) -> Developed:
    """From the score of every pair of every row of both parts."""
    whole: dict[str, float] = {}
    cut: dict[str, float] = {}
    for part in PARTS:
        rows = parts[part]
        whole[part] = _auroc(rows, [scores[pairs_of(row)[0]] for row in rows])
        cut[part] = _auroc(rows, [_worst(row, scores) for row in rows])
    rows = [row for part in PARTS for row in parts[part]]
    better = Developed(step, whole, cut, {}).reads
    given = [scores[pairs_of(row)[0]] if better == "pair" else _worst(row, scores) for row in rows]
    flaws = {}
    for flaw in sorted({_kind(row) for row in rows}):
        at = [place for place, row in enumerate(rows) if _kind(row) == flaw]
        flaws[flaw] = _auroc([rows[place] for place in at], [given[place] for place in at])
    return Developed(step, whole, cut, flaws)


def _worst(row: SpoiltRow, scores: Mapping[Pair, float]) -> float:
    whole, *parts = pairs_of(row)
    return min((scores[each] for each in parts), default=scores[whole])


def _kind(row: SpoiltRow) -> str:
    return row.flaw.partition(":")[0]


def _auroc(rows: Sequence[SpoiltRow], scores: Sequence[float]) -> float:
    found = auroc(scores, [row.supported for row in rows])
    assert found is not None, "rows of one label alone"
    return round(found, 4)


def _mean(of: Mapping[str, float]) -> float:
    return float(np.mean(list(of.values())))
