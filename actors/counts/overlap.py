"""Which gates reject the same attempts: for each set of gates, the attempts that exactly these gates rejected.

Law: an attempt counts if two gates or more gave it a score; gates that errored or were not asked are left out. Checks
that every run has (format, provenance, duplicates) are not compared.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from actors.counts.entries import Entry
from actors.counts.order import known_first
from schemas.overlap import GateOverlap, RejectedTogether
from schemas.progress import Summary
from schemas.verdicts import (
    ALWAYS_ASKED,
    FAITHFULNESS,
    KNOWN_GATES,
    MODEL_GATES,
    REWARD,
    Errored,
    GateName,
    Rejected,
    Verdict,
)

Compared = tuple[frozenset[GateName], frozenset[GateName]]
"""The gates that scored an attempt, and those of them that rejected it."""


class OverlapFold:
    """The fold. Memory grows with the sets of gates that occurred, not with the run."""

    def __init__(self) -> None:
        self._seen: Counter[Compared] = Counter()

    def apply(self, entry: Entry) -> None:
        """Counts the verdicts on one attempt."""
        if entry.attempt is not None:
            self.add(entry.attempt.verdicts)

    def tables(self) -> Summary:
        """Everything counted so far."""
        return Summary(overlap=self.overlap())

    def add(self, verdicts: Sequence[Verdict]) -> None:
        """Counts the verdicts on one attempt."""
        judged = [said for said in verdicts if said.gate not in ALWAYS_ASKED and not isinstance(said, Errored)]
        if len(judged) > 1:
            rejected = frozenset(said.gate for said in judged if isinstance(said, Rejected))
            self._seen[(frozenset(said.gate for said in judged), rejected)] += 1

    def overlap(self) -> GateOverlap:
        """The overlap of the usual pair, and of every other set of gates that was compared."""
        pair = frozenset(MODEL_GATES)
        of_pair: Counter[frozenset[GateName]] = Counter()
        for (scored, rejected), attempts in self._seen.items():
            if pair <= scored:
                of_pair[rejected & pair] += attempts
        return GateOverlap(
            scored=of_pair.total(),
            both=of_pair[pair],
            only_faithfulness=of_pair[frozenset({FAITHFULNESS})],
            only_reward=of_pair[frozenset({REWARD})],
            sets=tuple(sorted(self._sets(), key=lambda row: (row.scored, len(row.rejected), row.rejected))),
        )

    def _sets(self) -> Iterator[RejectedTogether]:
        for (scored, rejected), attempts in self._seen.items():
            if scored != frozenset(MODEL_GATES):
                yield RejectedTogether(_listed(scored), _listed(rejected), attempts)


def _listed(gates: frozenset[GateName]) -> tuple[GateName, ...]:
    return tuple(known_first(gates, KNOWN_GATES))
