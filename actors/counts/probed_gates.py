"""The gates as measured by probes: rates of each version of each gate, over all probes and over the last ones.

Law: only first attempts count, because the label of a repair is not known before. Memory grows with the versions and
the window, not with the run.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable

from msgspec import Struct

from actors.counts.drift import DriftTest
from actors.counts.rates import rate
from schemas.flaws import FlawKind, Worth
from schemas.orders import Attempt
from schemas.probes import Drift, DriftOf, FlawRecall, ProbedGate, ProbeFacts, ProbeRates
from schemas.verdicts import Errored, GateName, Rejected, Verdict, cascade_of

WINDOW = 200
"""How many last probes of a gate's version its rolling rates cover: an interval of about ±7 points for each label."""
FLAWS: tuple[FlawKind | None, ...] = (*FlawKind, None)
_LN_10 = 2.302585092994046


class Judged(Struct, frozen=True):
    """One verdict on one probe. `counts`: whether the gate should judge as the label says."""

    label: Worth
    flaw: FlawKind | None
    rejected: bool
    counts: bool


class ProbedGates:
    """Counts the first attempt of every probe that was judged."""

    def __init__(self) -> None:
        self._versions: dict[tuple[GateName, str], _Version] = {}
        self._last: dict[GateName, str] = {}

    def add(self, attempt: Attempt, facts: ProbeFacts) -> None:
        """Counts one attempt's verdicts."""
        for said in attempt.verdicts:
            version = _version_of(said, facts)
            if version is None:
                continue
            self._last[said.gate] = version
            of = self._versions.setdefault((said.gate, version), _Version())
            if isinstance(said, Errored):
                of.errored += 1
            else:
                of.add(Judged(facts.label, facts.flaw, isinstance(said, Rejected), facts.concerns(said.gate)))

    def gates(self) -> tuple[ProbedGate, ...]:
        """Every version of every gate."""
        return tuple(
            of.told(gate, version, last=self._last[gate] == version)
            for (gate, version), of in sorted(self._versions.items(), key=lambda item: item[0])
        )


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

    def told(self, gate: GateName, version: str, *, last: bool) -> ProbedGate:
        recent = Counter(self._window)
        return ProbedGate(
            gate=gate,
            version=version,
            judged=self._whole.total(),
            errored=self.errored,
            whole=_rates(self._whole),
            window=_rates(recent),
            in_window=len(self._window),
            flaws=tuple(self._flaws(recent)),
            drift=tuple(_drift(of, test) for of, test in self._tests.items() if test.trials),
            last=last,
        )

    def _flaws(self, recent: Counter[Judged]) -> Iterable[FlawRecall]:
        for flaw in FLAWS:
            of = [each for each in self._whole if each.label is Worth.BAD and each.flaw is flaw]
            if of:
                expected = any(each.counts for each in of)
                whole, window = (_recall(counted, of.__contains__) for counted in (self._whole, recent))
                yield FlawRecall(flaw, expected, rate(*whole), rate(*window))


def _version_of(said: Verdict, facts: ProbeFacts) -> str | None:
    """The version of the gate that gave the verdict. With each band a cascade is another judge."""
    version, cascade = facts.judges.get(said.gate), cascade_of(said)
    if version is None or cascade is None:
        return version
    return f"{version}, band {'none yet' if cascade.band is None else cascade.band}"


def _rates(counted: Counter[Judged]) -> ProbeRates:
    caught, bad = _recall(counted, lambda each: each.counts)
    good = sum(number for each, number in counted.items() if each.counts and each.label is Worth.GOOD)
    turned_away = sum(
        number for each, number in counted.items() if each.counts and each.label is Worth.GOOD and each.rejected
    )
    return ProbeRates(
        recall=rate(caught, bad),
        precision=rate(caught, caught + turned_away),
        good_passed=rate(good - turned_away, good),
    )


def _recall(counted: Counter[Judged], chosen: Callable[[Judged], bool]) -> tuple[int, int]:
    """How many of the chosen bad probes were rejected, and how many there are."""
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
