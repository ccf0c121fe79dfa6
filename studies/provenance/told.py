"""What plan 2 of provenance tells beside its claims, without a verdict: figures of one run."""

from collections.abc import Iterator, Mapping, Sequence

from studies.provenance.judged_tallies import SOURCES, STRENGTHS
from studies.provenance.kit import THRESHOLD
from studies.provenance.modes import Labelled
from studies.provenance.plan import Plan
from studies.provenance.rejected import caught
from studies.provenance.spending import within
from studies.provenance.tallies import recovered
from studies.provenance.tries import Try

Figures = Iterator[tuple[str, float]]


def of_arms(plan: Plan, arms: Mapping[str, Sequence[Try]]) -> Figures:
    """What each arm spent and what that bought, on orders alone; and what became of bad probes, beside them."""
    for name, tries in arms.items():
        arm = within(plan, [one for one in tries if one.slot >= 0], plan.budget)
        repaired = recovered(plan, arm)
        every = (*arm.first, *arm.later)
        yield f"{name}/attempts", len(every)
        yield f"{name}/accepted", sum(one.accepted for one in every)
        yield f"{name}/tokens", sum(one.tokens for one in every)
        yield f"{name}/spent of the budget", sum(one.tokens for one in arm.later) / arm.budget
        yield f"{name}/rejected at first", sum(not one.accepted for one in arm.first)
        yield f"{name}/recovered", len(repaired)
        yield f"{name}/recovered true", sum(one.faithful is True for one in repaired)
        probes = [one for one in tries if -plan.slots <= one.slot < 0]
        yield f"{name}/bad probes", sum(one.attempt == 1 and one.verified for one in probes)
        yield f"{name}/bad probes mended", sum(one.attempt > 1 and one.accepted and one.good for one in probes)


def of_gates(plan: Plan, tries: Sequence[Try], threshold: float) -> Figures:
    """Which gate rejects each flaw, the injector's and the generator's own. `threshold`: the judge's."""
    firsts = [one for one in tries if one.attempt == 1 and -plan.slots <= one.slot < plan.slots]
    for one in caught([(0, each) for each in firsts], threshold):
        if one.bad:
            yield from ((f"{one.kind}: bad", one.bad), (f"{one.kind}: both gates", one.both))
            yield f"{one.kind}: faithfulness alone", one.faithfulness_only
            yield f"{one.kind}: reward alone", one.reward_only


def of_judges(drafts: Sequence[Labelled]) -> Figures:
    """F1 of rejecting what is not true at the usual threshold, by judge and source, and of rejecting everything."""
    truth = [one.faithful for one in drafts]
    yield "F1 of rejecting everything", f1([True] * len(truth), truth)
    for judge in STRENGTHS:
        for source in SOURCES:
            rejected = [one.scores[f"{judge}/{source}"] < THRESHOLD for one in drafts]
            yield f"F1 of {judge}, {source}", f1(rejected, truth)


def f1(rejected: Sequence[bool], truth: Sequence[bool]) -> float:
    """Of rejecting what is not true; 0 where nothing is rejected and all is true."""
    hit = sum(no and not yes for no, yes in zip(rejected, truth, strict=True))
    return 2 * hit / max(1, sum(rejected) + list(truth).count(False))
