"""Counts of probes: how they ended, how many of each flaw the gates caught, and how many were repaired.

Law: a fold over the ledger's records; the same records in the same order give the same counts. A bad probe is caught or
missed at its first attempt, if every gate could judge it; the result of its repairs is counted apart, at its end.
Memory grows with the gates and modes, not with the run.
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
"""The right diagnoses for each flaw. A value that is not in the passage looks the same whether it was remembered or
made up. A value of another fact in the passage is a confusion of facts."""
_COUNTED = ("caught", "missed", "errored", "repaired", "healed", "still_bad", "unknown", "given_up")


class ProbeFold:
    """The fold. It gets every record in order, and counts those of probes."""

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
        """Counts a bad probe as caught, missed or errored by all gates that its label is about."""
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
        """Counts how a repaired probe ended."""
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
