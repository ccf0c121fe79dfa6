"""What a budget buys (`studies.frame.spending`), in the order in which a run made its attempts, and what is counted."""

from collections.abc import Iterator, Mapping, Sequence

from studies.frame.spending import Bought, bought
from studies.provenance.plan import Plan
from studies.provenance.tries import Try

COUNTS = (
    "orders", "first tokens", "first accepted", "first true", "rejected", "tokens", "recovered", "recovered true",
    "recovered good", "fresh", "accepted good", "spoilt", "spoilt let through", "spoilt mended",
)  # fmt: skip
"""What is counted of a passage. True: its answer is the passage's; good: that, whole, and well worded."""


Arm = Bought[Try]


def within(plan: Plan, tries: Sequence[Try], share: float | None) -> Arm:
    """The attempts that fit a share of what the first ones took; all of them for None. Probes beside the spare orders
    are in no arm."""
    return bought([one for one in tries if one.slot >= -plan.slots], slots=plan.slots, share=share)


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
