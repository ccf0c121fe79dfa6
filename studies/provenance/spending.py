"""What a budget buys: an arm's attempts as far as its recovery may go.

Law: first attempts are the same in every arm and are not paid from the budget; of the others, those that the run made
first count, until the budget is spent. Whoever discards spends it on fresh orders.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from msgspec import Struct

from studies.provenance.plan import Plan
from studies.provenance.tries import Try

COUNTS = (
    "orders", "first tokens", "first accepted", "first true", "rejected", "tokens", "recovered", "recovered true",
    "recovered good", "fresh", "accepted good", "spoilt", "spoilt let through", "spoilt mended",
)  # fmt: skip
"""What is counted of a passage. True: its answer is the passage's; good: that, whole, and well worded."""


class Arm(Struct, frozen=True):
    """An arm's attempts within its budget: `first` of the planned orders, `later` paid from the budget."""

    first: tuple[Try, ...]
    later: tuple[Try, ...]
    budget: float
    """Tokens; infinite where none was set."""


def within(plan: Plan, tries: Sequence[Try], share: float | None) -> Arm:
    """The attempts that fit a share of what the first ones took; all of them for None."""
    tries = [one for one in tries if one.slot >= -plan.slots]  # probes beside the spare orders are in no arm
    first = [one for one in tries if one.attempt == 1 and one.slot < plan.slots]
    later = [one for one in tries if one.attempt > 1 or one.slot >= plan.slots]
    budget = float("inf") if share is None else share * sum(one.tokens for one in first)
    spent = accumulate(one.tokens for one in later)
    return Arm(tuple(first), tuple(one for one, total in zip(later, spent, strict=True) if total <= budget), budget)


def counts(plan: Plan, arm: Arm) -> Iterator[tuple[int, Mapping[str, float]]]:
    """One row for each attempt: its passage, and what it adds."""
    bad_at_first = {one.order for one in arm.first if one.verified}
    for one in arm.first:
        good = one.accepted and one.good
        let_through = one.accepted and not one.good and one.verified
        yield one.passage, {
            "orders": 1, "first tokens": one.tokens, "first accepted": one.accepted, "rejected": not one.accepted,
            "first true": one.accepted and one.faithful is True, "accepted good": good,
            "spoilt": one.verified, "spoilt let through": let_through,
        }  # fmt: skip
    for one in arm.later:
        repaired = one.accepted and one.slot < plan.slots
        spoilt = repaired and one.order in bad_at_first
        yield one.passage, {
            "tokens": one.tokens, "fresh": one.accepted and not repaired, "recovered": repaired,
            "recovered true": repaired and one.faithful is True, "recovered good": repaired and one.good,
            "accepted good": one.accepted and one.good,
            "spoilt let through": spoilt and not one.good, "spoilt mended": spoilt and one.good,
        }  # fmt: skip
