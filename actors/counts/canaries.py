"""What canaries say of the gates: rates of each version of each gate, over all and over the last ones.

Law: a fold over the ledger's records; the same records in the same order give the same figures. Memory is bounded: by
the window and the versions, not by the run.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable

from msgspec import Struct

from actors.counts.drift import DriftTest
from actors.counts.rates import rate
from schemas.canaries import (
    Canaries,
    CanaryEnd,
    CanaryRates,
    Drift,
    DriftOf,
    EndedCanaries,
    GateCanaries,
    KindRecall,
    concerns,
)
from schemas.injection import InjectionKind, Worth
from schemas.ledger import CanaryEnded, CanaryIssued, Record
from schemas.verdicts import Errored, GateName, Rejected

WINDOW = 200
"""Canaries of a gate's version that its rolling rates speak of: an interval of about ±7 points for each label."""
_LN_10 = 2.302585092994046
_KINDS: tuple[InjectionKind | None, ...] = (*InjectionKind, None)


class Judged(Struct, frozen=True):
    """One verdict on one canary. `counts`: the gate should judge as the label says."""

    label: Worth
    flaw: InjectionKind | None
    rejected: bool
    counts: bool


class CanaryTally:
    """Fed every record in order; those that are of no canary change nothing."""

    def __init__(self) -> None:
        self._issued = 0
        self._ends: Counter[CanaryEnd] = Counter()
        self._tokens = 0
        self._versions: dict[tuple[GateName, str], _Version] = {}
        self._last: dict[GateName, str] = {}

    def apply(self, record: Record) -> None:
        """Counts one record."""
        if isinstance(record, CanaryIssued):
            self._issued += 1
        elif isinstance(record, CanaryEnded):
            self._ends[record.end] += 1
            self._tokens += record.tokens
            self._judged(record)

    def canaries(self) -> Canaries:
        """Everything counted so far."""
        return Canaries(
            issued=self._issued,
            ended=self._ends.total(),
            ends=tuple(EndedCanaries(end, self._ends[end]) for end in CanaryEnd if self._ends[end]),
            tokens=self._tokens,
            gates=tuple(
                each.told(gate, version, last=self._last[gate] == version)
                for (gate, version), each in sorted(self._versions.items(), key=_place)
            ),
        )

    def _judged(self, ended: CanaryEnded) -> None:
        for said in ended.verdicts:
            version = ended.judges.get(said.gate)
            if version is None:
                continue
            self._last[said.gate] = version
            of = self._versions.setdefault((said.gate, version), _Version())
            if isinstance(said, Errored):
                of.errored += 1
            else:
                counts = concerns(said.gate, ended.label, ended.flaw, ended.gate, kind=ended.kinds.get(said.gate))
                of.add(Judged(ended.label, ended.flaw, isinstance(said, Rejected), counts))


class _Version:
    """One version of one gate."""

    def __init__(self) -> None:
        self.errored = 0
        self._whole: Counter[Judged] = Counter()
        self._window: deque[Judged] = deque(maxlen=WINDOW)
        self._tests = {of: DriftTest() for of in DriftOf}

    def add(self, judged: Judged) -> None:
        self._whole[judged] += 1
        self._window.append(judged)
        if judged.counts and judged.label is Worth.BAD:
            self._tests[DriftOf.RECALL].add(judged.rejected)
        elif judged.counts and judged.label is Worth.GOOD:
            self._tests[DriftOf.GOOD_PASSED].add(not judged.rejected)

    def told(self, gate: GateName, version: str, *, last: bool) -> GateCanaries:
        recent = Counter(self._window)
        return GateCanaries(
            gate=gate,
            version=version,
            judged=self._whole.total(),
            errored=self.errored,
            whole=_rates(self._whole),
            window=_rates(recent),
            in_window=len(self._window),
            kinds=tuple(self._kinds(gate, recent)),
            drift=tuple(_drift(of, test) for of, test in self._tests.items() if test.trials),
            last=last,
        )

    def _kinds(self, gate: GateName, recent: Counter[Judged]) -> Iterable[KindRecall]:
        for kind in _KINDS:
            of = [each for each in self._whole if each.label is Worth.BAD and each.flaw is kind]
            if of:
                expected = any(each.counts for each in of)
                whole, window = (_recall(counted, of.__contains__) for counted in (self._whole, recent))
                yield KindRecall(kind, expected, rate(*whole), rate(*window))


def _place(item: tuple[tuple[GateName, str], object]) -> tuple[str, str]:
    (gate, version), _ = item
    return gate, version


def _rates(counted: Counter[Judged]) -> CanaryRates:
    caught, bad = _recall(counted, lambda each: each.counts)
    good = sum(number for each, number in counted.items() if each.counts and each.label is Worth.GOOD)
    turned_away = sum(
        number for each, number in counted.items() if each.counts and each.label is Worth.GOOD and each.rejected
    )
    return CanaryRates(
        recall=rate(caught, bad),
        precision=rate(caught, caught + turned_away),
        good_passed=rate(good - turned_away, good),
    )


def _recall(counted: Counter[Judged], chosen: Callable[[Judged], bool]) -> tuple[int, int]:
    """Rejected, and all, of the chosen bad ones."""
    bad = [(each, number) for each, number in counted.items() if each.label is Worth.BAD and chosen(each)]
    return sum(number for each, number in bad if each.rejected), sum(number for _, number in bad)


def _drift(of: DriftOf, test: DriftTest) -> Drift:
    trials, successes = test.change or (test.trials, test.successes)
    return Drift(
        of=of,
        flagged=test.flagged,
        evidence=round(test.log_evidence / _LN_10, 3),
        before=rate(successes, trials),
        after=rate(test.successes - successes, test.trials - trials),
    )
