"""What became of the probes: how they ended, what the gates caught of each flaw, and what repairs made of it.

Law: a fold over the ledger's records; the same records in the same order give the same figures. A bad probe is caught
or missed by its first attempt, if every gate could judge it; what became of it then is counted apart, by its end.
Memory does not grow.
"""

from collections import Counter

from actors.counts.entries import Entry
from actors.counts.order import known_first
from actors.counts.probed_gates import FLAWS, ProbedGates
from schemas.flaws import FlawKind, Worth
from schemas.ledger import ProbeEnded, ProbeIssued, ProbeRejoined
from schemas.orders import Attempt, cost_of
from schemas.probes import (
    EndedProbes,
    FlawDiagnosis,
    FlawProbes,
    GateCatch,
    ProbeEnd,
    ProbeFacts,
    Probes,
)
from schemas.progress import Summary
from schemas.recovery import KNOWN_MODES, FailureMode, Modes
from schemas.verdicts import KNOWN_GATES, Errored, GateName, Passed, Rejected

EXPECTED: dict[FlawKind | None, frozenset[FailureMode]] = {
    FlawKind.CONTRADICTS_SOURCE: frozenset({Modes.PARAMETRIC, Modes.AMBIGUOUS_SOURCE}),
    FlawKind.PARAMETRIC: frozenset({Modes.PARAMETRIC}),
    FlawKind.CROSS_PASSAGE: frozenset({Modes.CROSS_PASSAGE}),
    FlawKind.HIGH_TEMPERATURE: frozenset({Modes.TEMPERATURE}),
    FlawKind.INSTRUCTION_QUALITY: frozenset({Modes.INSTRUCTION_QUALITY}),
    FlawKind.DOMAIN_MISMATCH: frozenset({Modes.DOMAIN_MISMATCH}),
    FlawKind.RESPONSE_QUALITY: frozenset({Modes.RESPONSE_QUALITY}),
}
"""Which modes are right for a flaw. A value that the passage does not hold looks the same whether it was
remembered or made up; one that it holds beside what was asked is a confusion of its facts."""
_COUNTED = ("caught", "missed", "errored", "repaired", "healed", "still_bad", "unknown", "given_up")


class ProbeFold:
    """Fed every record in order; those that are of no probe change nothing."""

    def __init__(self) -> None:
        self._issued = 0
        self._ends: Counter[ProbeEnd] = Counter()
        self._tokens = 0
        self._gates = ProbedGates()
        self._fates: Counter[tuple[FlawKind | None, str]] = Counter()
        self._caught: Counter[tuple[FlawKind | None, GateName]] = Counter()
        self._alone: Counter[tuple[FlawKind | None, GateName]] = Counter()
        self._modes: Counter[tuple[FlawKind | None, FailureMode]] = Counter()

    def apply(self, entry: Entry) -> None:
        """Counts one record."""
        match entry.record:
            case ProbeIssued():
                self._issued += 1
            case ProbeRejoined() as record:
                self._attempted(record.attempt, record.facts)
                self._fates[(record.facts.flaw, "repaired")] += record.attempt.number == 1
            case ProbeEnded() as record:
                self._ends[record.end] += 1
                if record.attempt is not None:
                    self._attempted(record.attempt, record.facts)
                    self._healed(record.attempt, record.facts)
            case _:
                pass

    def tables(self) -> Summary:
        """Everything counted so far."""
        return Summary(probes=self._probes())

    def _probes(self) -> Probes:
        flaws = {flaw for flaw, _ in self._fates}
        return Probes(
            issued=self._issued,
            ended=self._ends.total(),
            ends=tuple(EndedProbes(end, self._ends[end]) for end in ProbeEnd if self._ends[end]),
            tokens=self._tokens,
            gates=self._gates.gates(),
            flaws=tuple(self._flaw(flaw) for flaw in FLAWS if flaw in flaws),
        )

    def _attempted(self, attempt: Attempt, facts: ProbeFacts) -> None:
        self._tokens += cost_of(attempt).tokens
        if attempt.number > 1 or not attempt.verdicts:
            return
        self._gates.add(attempt, facts)
        if facts.label is Worth.BAD:
            self._first(attempt, facts)

    def _first(self, attempt: Attempt, facts: ProbeFacts) -> None:
        """What the gates said of a bad probe, all that its label speaks of together."""
        flaw, verdicts = facts.flaw, [said for said in attempt.verdicts if facts.gate in (None, said.gate)]
        if not verdicts or any(isinstance(said, Errored) for said in verdicts):
            self._fates[(flaw, "errored")] += 1
            return
        rejected = [said.gate for said in verdicts if isinstance(said, Rejected)]
        self._fates[(flaw, "caught" if rejected else "missed")] += 1
        self._caught.update((flaw, gate) for gate in rejected)
        if len(rejected) == 1:
            self._alone[(flaw, rejected[0])] += 1
        if attempt.diagnosis is not None and flaw is not None:
            self._modes[(flaw, attempt.diagnosis.mode)] += 1

    def _healed(self, attempt: Attempt, facts: ProbeFacts) -> None:
        """What repairs made of a probe that was caught."""
        if attempt.number == 1:
            return
        accepted = bool(attempt.verdicts) and all(isinstance(said, Passed) for said in attempt.verdicts)
        fate = _HEALED[facts.worth] if accepted else "given_up"
        self._fates[(facts.flaw, fate)] += 1

    def _flaw(self, flaw: FlawKind | None) -> FlawProbes:
        gates = known_first((gate for of, gate in self._caught if of is flaw), KNOWN_GATES)
        modes = known_first((mode for of, mode in self._modes if of is flaw), KNOWN_MODES)
        right = EXPECTED.get(flaw, frozenset())
        return FlawProbes(
            flaw=flaw,
            by_gate=tuple(GateCatch(gate, self._caught[(flaw, gate)], self._alone[(flaw, gate)]) for gate in gates),
            diagnoses=tuple(FlawDiagnosis(mode, self._modes[(flaw, mode)], mode in right) for mode in modes),
            **{what: self._fates[(flaw, what)] for what in _COUNTED},
        )


_HEALED = {Worth.GOOD: "healed", Worth.BAD: "still_bad", Worth.UNKNOWN: "unknown"}
