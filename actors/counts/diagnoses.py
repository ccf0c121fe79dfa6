"""How often a predicted failure mode is right: counted on samples that were made bad on purpose, and are known to be.

Law: a prediction is judged by `EXPECTED` alone, a table that anyone can read; it was made without the tag. Only first
attempts count, whose flaw is the injected one; what every gate passed was not diagnosed and is the gates' miss.
"""

from collections import Counter

from actors.counts.order import known_first
from schemas.injection import InjectionKind, Worth
from schemas.ledger import DeadLetteredEnd, Record, Rejoined
from schemas.progress import DiagnosisCount
from schemas.recovery import KNOWN_MODES, FailureMode, Modes

EXPECTED: dict[InjectionKind, frozenset[FailureMode]] = {
    InjectionKind.CONTRADICTS_SOURCE: frozenset({Modes.PARAMETRIC, Modes.AMBIGUOUS_SOURCE}),
    InjectionKind.PARAMETRIC: frozenset({Modes.PARAMETRIC}),
    InjectionKind.CROSS_PASSAGE: frozenset({Modes.CROSS_PASSAGE}),
    InjectionKind.HIGH_TEMPERATURE: frozenset({Modes.TEMPERATURE}),
    InjectionKind.INSTRUCTION_QUALITY: frozenset({Modes.INSTRUCTION_QUALITY}),
    InjectionKind.DOMAIN_MISMATCH: frozenset({Modes.DOMAIN_MISMATCH}),
    InjectionKind.RESPONSE_QUALITY: frozenset({Modes.RESPONSE_QUALITY}),
}
"""Which modes are right for what was injected. A value that the passage does not hold looks the same whether it was
remembered or made up, so a contradiction is rightly `parametric`, or `ambiguous_source` where its value stands beside
the right one. Everything else has one mode of its own."""


class DiagnosisTally:
    """A fold over the ledger's records. Memory does not grow."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[InjectionKind, FailureMode]] = Counter()

    def apply(self, record: Record) -> None:
        """Counts one record."""
        if not isinstance(record, Rejoined | DeadLetteredEnd) or record.attempt is None:
            return
        attempt = record.attempt
        if attempt.number > 1 or attempt.injected is None or attempt.diagnosis is None:
            return
        if attempt.injected.now is Worth.BAD:
            self._counts[(attempt.injected.kind, attempt.diagnosis.mode)] += 1

    def counts(self) -> tuple[DiagnosisCount, ...]:
        """By kind, then by mode; pairs that occurred."""
        return tuple(
            DiagnosisCount(kind, mode, self._counts[(kind, mode)], right=mode in EXPECTED[kind])
            for kind in InjectionKind
            for mode in known_first((mode for _, mode in self._counts), KNOWN_MODES)
            if self._counts[(kind, mode)]
        )
