"""From the attempts of a run's arms to the tallies of plan 2: recovery at equal tokens, truth, the gates' overlap.

Law: recovery is counted on orders that nobody spoilt, and divided by the budget that all arms have, spent or not; of
what an arm did, only what fits the budget counts, in the order in which it was done.
"""

from collections.abc import Iterator, Mapping, Sequence

from studies.frame.statistics import Tally
from studies.provenance.kit import THRESHOLD
from studies.provenance.plan import Plan
from studies.provenance.rejected import who
from studies.provenance.spending import Arm, within
from studies.provenance.tries import Try

DISCARD, RULES = "discard", "rules"
RECOVERED, FIRST_PASS, BOTH_GATES = "rules_recovered", "first_pass", "both_gates"


def tallies(
    plan: Plan, setting: str, unit: str, arms: Mapping[str, Sequence[Try]], *, threshold: float = THRESHOLD
) -> Iterator[Tally]:
    """Of one run. `arms`: every attempt of each, first ones the same in all; `discard` and `rules` are among them.
    `threshold`: of the faithfulness gate."""

    def tally(arm: str, measure: str, part: float, whole: float) -> Tally:
        return Tally(setting, arm, measure, unit, part, whole)

    spent = {name: within(plan, [one for one in tries if one.slot >= 0], plan.budget) for name, tries in arms.items()}
    for name, arm in spent.items():
        first_tokens = sum(one.tokens for one in arm.first)
        kept = [one for one in (*arm.first, *arm.later) if one.accepted]
        yield tally(name, "good_per_1000", sum(one.good for one in kept), (first_tokens + arm.budget) / 1000)
        if name != DISCARD:
            yield tally(name, "true_per_1000", _true(recovered(plan, arm)), arm.budget / 1000)
    repaired = recovered(plan, spent[RULES])
    passed = [one for one in spent[RULES].first if one.accepted]
    yield tally(RECOVERED, "true_share", _true(repaired), len(repaired))
    yield tally(FIRST_PASS, "true_share", _true(passed), len(passed))
    first = [one for one in arms[DISCARD] if one.attempt == 1 and -plan.slots <= one.slot < plan.slots]
    seen = [who(one, threshold) for one in first if one.faithfulness is not None and one.reward is not None]
    yield tally(BOTH_GATES, "jaccard", seen.count("both"), len(seen) - seen.count("neither"))


def recovered(plan: Plan, arm: Arm) -> list[Try]:
    """What repairs of planned orders were accepted within the budget."""
    return [one for one in arm.later if one.accepted and one.slot < plan.slots]


def _true(tries: Sequence[Try]) -> int:
    return sum(one.faithful is True for one in tries)
