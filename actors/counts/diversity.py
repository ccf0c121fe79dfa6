"""How alike accepted samples are: the mean cosine of any two of them, where an embedder makes their vectors.

Law: only whole numbers are added, so two processes that read the same records compute the same mean. Each vector is
first given one length. Memory is one vector for each embedder, whatever the run's size: the sum of all pairs' products
is the square of the vectors' sum, less the square of each.
"""

from collections.abc import Sequence
from math import isqrt
from typing import Any

from actors.counts.entries import Entry
from schemas.ledger import AcceptedEnd, Rescored
from schemas.progress import DiversityCount, Summary
from schemas.vectors import Vector

LENGTH = 1 << 20
"""The length that each vector is given."""
FINER = 1 << 10
"""So much finer than whole numbers its own length is taken."""


class _Summed:
    """The vectors of one embedder, which all have as many dimensions."""

    def __init__(self) -> None:
        self.samples = 0
        self.squares = 0
        self.sum: Any = 0

    def add(self, vector: Vector) -> None:
        import numpy as np  # imported only here: a queue without vectors does not need it

        parts = np.frombuffer(vector.parts, dtype=np.int8).astype(np.int64)
        # `packed` makes no vector without a direction.
        scaled = parts * (LENGTH * FINER) // isqrt(int(parts @ parts) * FINER**2)
        self.samples += 1
        self.squares += int(scaled @ scaled)
        self.sum = self.sum + scaled

    @property
    def cosines(self) -> float:
        """The sum of the cosines of all pairs."""
        numbers = [int(number) for number in self.sum]
        return (sum(number * number for number in numbers) - self.squares) / 2 / LENGTH**2


class DiversityFold:
    """The fold."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, int], _Summed] = {}

    def apply(self, entry: Entry) -> None:
        """Counts an accepted sample that has a vector."""
        match entry.record:
            case AcceptedEnd(attempt=attempt) | Rescored(attempt=attempt):
                if attempt.embedded is not None:
                    vector = attempt.embedded.vector
                    self._of.setdefault((vector.by, len(vector.parts)), _Summed()).add(vector)
            case _:
                pass

    def tables(self) -> Summary:
        """Everything counted so far."""
        return Summary(
            diversity=tuple(
                DiversityCount(by, summed.samples, summed.samples * (summed.samples - 1) // 2, summed.cosines)
                for (by, _), summed in sorted(self._of.items())
            )
        )


def diversity_words(counted: Sequence[DiversityCount]) -> tuple[tuple[str, str], ...]:
    """Lines with what each is about, for the terminal and the report; none for a run without an embedder."""
    return tuple(
        ("diversity", f"any two of {each.samples:,} samples have a cosine of {mean:.2f} in the mean ({each.embedder})")
        for each in counted
        if (mean := each.mean_cosine) is not None
    )
