"""Counts of each gate's verdicts, and of searches for evidence that found the sample's own passage."""

from collections import Counter

from actors.counts.entries import Entry
from schemas.errors import ErrorKind
from schemas.progress import GateErrors, GateVerdicts, Retrieval, Summary
from schemas.verdicts import Errored, GateName, Passed, Rejected, Verdict


class VerdictFold:
    """The fold. Memory grows with the gates, not with the run."""

    def __init__(self) -> None:
        self._said: Counter[tuple[GateName, type[Verdict]]] = Counter()
        self._errors: Counter[tuple[GateName, ErrorKind]] = Counter()
        self._searches = self._hits = 0

    def apply(self, entry: Entry) -> None:
        """Counts the verdicts on one attempt."""
        if entry.attempt is None:
            return
        for verdict in entry.attempt.verdicts:
            if isinstance(verdict, Errored):
                self._errors[(verdict.gate, verdict.error)] += 1
            elif verdict.evidence.shown is not None and verdict.evidence.shown.searched:
                self._searches += 1
                self._hits += verdict.evidence.shown.rank is not None
            self._said[(verdict.gate, type(verdict))] += 1

    def tables(self) -> Summary:
        """Everything counted so far."""
        said = self._said
        return Summary(
            verdicts=tuple(
                GateVerdicts(gate, said[(gate, Passed)], said[(gate, Rejected)], said[(gate, Errored)])
                for gate in dict.fromkeys(gate for gate, _ in said)
            ),
            errors=tuple(GateErrors(gate, kind, count) for (gate, kind), count in self._errors.items()),
            retrieval=Retrieval(self._searches, self._hits),
        )
