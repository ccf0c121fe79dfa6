"""Counts of each gate's verdicts, of who decided for cascades, and of searches that found the sample's own passage."""

from collections import Counter

from actors.counts.entries import Entry
from schemas.errors import ErrorKind
from schemas.progress import CascadeCount, GateErrors, GateVerdicts, Retrieval, Summary
from schemas.verdicts import Errored, GateName, Passed, Rejected, Verdict


class VerdictFold:
    """The fold. Memory grows with the gates, not with the run."""

    def __init__(self) -> None:
        self._said: Counter[tuple[GateName, type[Verdict]]] = Counter()
        self._errors: Counter[tuple[GateName, ErrorKind]] = Counter()
        self._cascades: Counter[tuple[GateName, bool]] = Counter()
        self._searches = self._hits = 0

    def apply(self, entry: Entry) -> None:
        """Counts the verdicts on one attempt."""
        if entry.attempt is None:
            return
        for verdict in entry.attempt.verdicts:
            if isinstance(verdict, Errored):
                self._errors[(verdict.gate, verdict.error)] += 1
            else:
                self._judged(verdict)
            self._said[(verdict.gate, type(verdict))] += 1

    def _judged(self, verdict: Passed | Rejected) -> None:
        evidence = verdict.evidence
        if evidence.shown is not None and evidence.shown.searched:
            self._searches += 1
            self._hits += evidence.shown.rank is not None
        if evidence.cascade is not None:
            self._cascades[(verdict.gate, len(evidence.cascade.steps) == 1)] += 1

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
            cascades=tuple(
                CascadeCount(gate, self._cascades[(gate, True)], self._cascades[(gate, False)])
                for gate in dict.fromkeys(gate for gate, _ in self._cascades)
            ),
        )
