"""The band of a cascade: what it promises, from how many probes, and that `gleaner verify` finds the same."""

from collections.abc import Sequence
from math import comb
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.audit.bands import UsedBands
from actors.audit.configured import Configured, configured
from actors.audit.findings import Findings
from actors.probes.bands import (
    ALPHA,
    FIRST_LOOK,
    LAST_LOOK,
    BandFold,
    CalibratedGate,
    allowed,
    band,
    edge,
    looked_at,
)
from schemas.bands import Band
from schemas.config_cascade import Cascade
from schemas.errors import ErrorKind
from schemas.flaws import FlawKind, Worth
from schemas.ids import OrderId
from schemas.ledger import ProbeEnded
from schemas.orders import Attempt
from schemas.verdicts import FAITHFULNESS, Cascaded, CascadeStep, Errored, Evidence, GateName, Passed, Rejected, Verdict
from tests.doubles.attempts import candidate
from tests.doubles.probes import attempt, ended, facts, rejoined

NLI, CAREFUL = GateName("nli"), GateName("careful")
CONFIG = Cascade("nli", "careful")
OF = CalibratedGate(CONFIG, "nli@1")
YAML = """
gates:
  nli: {form: classifier, kind: faithfulness}
  careful: {form: llm, kind: faithfulness, threshold: 0.7}
  faithfulness: {form: cascade, cheap: nli, judge: careful, bad_passed: 0.05, good_rejected: 0.05}
"""


def verdict(score: float, of: Band | None = None) -> Verdict:
    """What a cascade says of a draft that the cheap gate gives this score."""
    steps = (CascadeStep(NLI, score), CascadeStep(CAREFUL, 0.9))
    return Passed(FAITHFULNESS, 0.9, 0.7, Evidence(cascade=Cascaded(steps, of)))


def probed(
    number: int, label: Worth, score: float, *, version: str = "nli@1", flaw: FlawKind | None = None
) -> ProbeEnded:
    known = facts(number, label, flaw=flaw, judges={FAITHFULNESS: "both@1", NLI: version})
    return ended(number, attempt((verdict(score),)), known)


def folded(records: Sequence[ProbeEnded]) -> BandFold:
    fold = BandFold({FAITHFULNESS: OF})
    for record in records:
        fold.apply(record)
    return fold


def stream(good: int, bad: int, seed: int = 0) -> list[ProbeEnded]:
    """Probes of a cheap gate that gives most good drafts much and most bad ones little."""
    random = Random(seed)
    labels = [Worth.GOOD] * good + [Worth.BAD] * bad
    random.shuffle(labels)
    return [
        probed(number, label, random.betavariate(5, 1) if label is Worth.GOOD else random.betavariate(1, 5))
        for number, label in enumerate(labels)
    ]


def test_too_few_probes_give_no_band() -> None:
    """At the default shares the first edge takes 100 probes of its label; the sides do not wait for each other."""
    assert folded(stream(99, 99)).bands() == {}
    (of,) = folded(stream(30, 100)).bands().values()
    assert of.low is None and of.high is not None and (of.good, of.bad) == (0, 100)
    (of,) = folded(stream(100, 30)).bands().values()
    assert of.low is not None and of.high is None and (of.good, of.bad) == (100, 0)


def test_the_band_is_narrower_the_more_is_known() -> None:
    """Fifty probes are no proof of anything; thousands show nearly the share that was allowed."""
    widths = []
    for each in (100, 400, 1600):
        (of,) = folded(stream(each, each)).bands().values()
        assert of.low is not None and of.high is not None
        widths.append(of.high - of.low)
    assert widths == sorted(widths, reverse=True)


def test_only_what_this_cheap_gate_said_of_probes_it_is_there_for_counts() -> None:
    """Another version's scores, a flaw that is another gate's to see, a row that is sent again, a repair, and a probe
    that it could not judge say nothing."""
    records = stream(0, 100)
    assert folded(records).bands() != {}
    assert folded([probed(at, Worth.BAD, 0.1, version="nli@2") for at in range(100)]).bands() == {}
    assert folded([probed(at, Worth.BAD, 0.1, flaw=FlawKind.RESPONSE_QUALITY) for at in range(100)]).bands() == {}
    assert folded([probed(at % 50, Worth.BAD, 0.1) for at in range(300)]).bands() == {}
    fold = BandFold({FAITHFULNESS: OF})
    known = facts(1, Worth.BAD, judges={NLI: "nli@1"})
    errored = Errored(FAITHFULNESS, ErrorKind.NONSENSE, "", cascade=Cascaded((CascadeStep(NLI),)))
    for number in range(200):
        fold.apply(ended(number, attempt((verdict(0.1),), number=2), replace(known, origin=str(number))))
        fold.apply(ended(number, attempt((errored,)), replace(known, origin=str(number))))
    assert fold.bands() == {}


def test_gates_that_pass_judgement_the_wrong_way_round_leave_everything_to_the_judge() -> None:
    """A cheap gate that knows nothing has a band as wide as its scores, and decides next to nothing."""
    random = Random(1)
    labels = [Worth.GOOD, Worth.BAD] * 400
    (of,) = folded([probed(at, label, random.random()) for at, label in enumerate(labels)]).bands().values()
    assert of.low is not None and of.high is not None and of.low < 0.05 and of.high > 0.95


def test_sides_that_overlap_meet_in_a_band_between_them() -> None:
    """All bad ones below 0.3, all good ones above 0.7: nothing in between was ever seen, so that is the judge's."""
    found = band([0.7 + at / 1000 for at in range(100)], [0.3 - at / 1000 for at in range(100)], CONFIG)
    assert found == Band(0.3, 0.7, 100, 100)


def test_a_side_that_is_switched_off_has_no_edge() -> None:
    """`good_rejected: 0`: what the cheap gate thinks bad is for the judge to reject, with a reason."""
    for config, sides in (
        (replace(CONFIG, good_rejected=0.0), (True, False)),
        (replace(CONFIG, bad_passed=0.0), (False, True)),
    ):
        found = band([0.9] * 100, [0.1] * 100, config)
        assert found is not None and (found.low is None, found.high is None) == sides


@given(st.integers(1, 60), st.floats(0.01, 0.5), st.floats(0.0001, 0.3))
def test_as_many_may_exceed_the_edge_as_the_binomial_allows(count: int, share: float, alpha: float) -> None:
    """Against the sum written out: k is allowed, k + 1 is not."""

    def below(k: int) -> float:
        return sum(comb(count, each) * share**each * (1 - share) ** (count - each) for each in range(k))

    k = allowed(count, share, alpha)
    assert below(k) <= alpha * (1 + 1e-9) or k == 0
    assert below(k + 1) > alpha * (1 - 1e-9)


@given(st.lists(st.floats(0, 1), max_size=420), st.floats(0.01, 0.5))
@settings(max_examples=60)
def test_an_edge_is_a_score_that_was_given(scores: list[float], share: float) -> None:
    """Or none; of those that it was found from, at most the share exceeds it; what comes after the last look changes
    nothing."""
    found = edge(scores, share)
    seen = scores[: looked_at(len(scores))]
    if found is None:
        assert len(seen) < 3 * FIRST_LOOK or share < 0.05
        return
    assert found in seen and sum(score > found for score in seen) <= share * len(seen)
    assert edge(seen, share) == found


def test_looks_double_and_end() -> None:
    """A run of millions keeps no more scores than of the last look."""
    assert [looked_at(count) for count in (49, 50, 99, 100, 6399, LAST_LOOK, 10**7)] == [
        0,
        50,
        50,
        100,
        3200,
        6400,
        6400,
    ]


@pytest.mark.parametrize(("share", "seed"), [(0.05, 0), (0.1, 1), (0.3, 2)])
def test_what_is_promised_holds_at_every_moment_of_nearly_every_run(share: float, seed: int) -> None:
    """300 runs of 1,600 bad probes whose scores are uniform, so that an edge of x is exceeded by 1 - x of all: the
    edge that a run has at any of its looks breaks the promise in at most 5% of runs; with the noise of 300, 8%."""
    random, broken = Random(seed), 0
    for _ in range(300):
        scores = [random.random() for _ in range(1600)]
        edges = [edge(scores[: FIRST_LOOK << look], share) for look in range(6)]
        broken += any(found is not None and 1 - found > share for found in edges)
    assert broken <= 0.08 * 300
    assert ALPHA == 0.05


# gleaner verify


def asked() -> Configured:
    found = configured(YAML.encode())
    assert found is not None
    return found


def used(of: Band, said: Verdict | None = None) -> Attempt:
    return Attempt(1, None, candidate("Who?"), (verdict(0.5, of) if said is None else said,))


def faults(records: Sequence[ProbeEnded], *attempts: Attempt) -> list[str]:
    """What verify finds of a ledger with these probes, then these attempts."""
    book, findings = UsedBands(), Findings()
    for record in records:
        book.measure(record)
    for number, each in enumerate(attempts):
        book.use(OrderId(f"order{number}"), each, findings)
    book.close(asked(), findings)
    return [found.what for found in findings.kept]


@given(st.integers(100, 420), st.integers(100, 420), st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_verify_finds_the_bands_of_the_run_by_its_own_sums(good: int, bad: int, seed: int) -> None:
    """At every look, from the same records; and any other band is a fault."""
    records = stream(good, bad, seed)
    fold = BandFold({FAITHFULNESS: OF})
    bands: list[Band] = []
    for record in records:
        fold.apply(record)
        bands += [of for of in fold.bands().values() if of not in bands]
    assert bands and faults(records, *map(used, bands)) == []
    low = bands[-1].low
    forged = replace(bands[-1], low=None if low is not None else 0.5)
    assert faults(records, used(forged)) == [
        f"used the band {forged} of faithfulness, which does not follow from the probes"
    ]


def test_a_band_before_its_probes_is_a_fault() -> None:
    """Calibrated from what nobody had measured yet."""
    records = stream(100, 100)
    (of,) = folded(records).bands().values()
    assert faults(records, used(of)) == []
    assert any("before as many probes were recorded" in what for what in faults(records[:150], used(of)))


@pytest.mark.parametrize("said", [0.5, 0.01, None])
def test_a_cheap_gate_that_decided_inside_its_band_is_a_fault(said: float | None) -> None:
    """A pass that it had no right to, or without any band."""
    records = stream(100, 100)
    (of,) = folded(records).bands().values()
    score = 0.5 if said is None else said
    alone = Cascaded((CascadeStep(NLI, score),), None if said is None else of)
    found = faults(records, used(of, Passed(FAITHFULNESS, score, 0.0, Evidence(cascade=alone))))
    assert len(found) == 1 and "nli decided alone" in found[0]
    low = of.low
    assert low is not None
    right = Rejected(FAITHFULNESS, 0.0, low, Evidence(cascade=Cascaded((CascadeStep(NLI, 0.0),), of)))
    assert faults(records, used(of, right)) == []


def test_a_rejoined_probe_counts_at_its_first_attempt() -> None:
    """Whether a probe is repaired or ends has nothing to do with what its first draft says of the gate."""
    fold = BandFold({FAITHFULNESS: OF})
    for number in range(100):
        known = facts(number, Worth.BAD, judges={NLI: "nli@1"})
        fold.apply(rejoined(number, attempt((verdict(0.1),)), known))
    assert fold.bands()[FAITHFULNESS].bad == 100
