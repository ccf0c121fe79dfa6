"""From the attempts of a set's arms to the tallies of plan 1: what the same tokens buy, and how much of it is right.

Law: what recovery bought is divided by the budget that all arms have, spent or not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from studies.executed.runs import SLOTS, Tried
from studies.frame.spending import Bought, bought
from studies.frame.statistics import Tally

BUDGET = 0.5
"""Tokens of recovery, as a share of what the first attempts took, the second reader's included."""
DISCARD, TYPED = "discard", "typed"
MENDED, FIRST_PASS = "typed_mended", "first_pass"


def tallies(setting: str, unit: str, arms: Mapping[str, Sequence[Tried]]) -> Iterator[Tally]:
    """Of one set. `arms`: every attempt of each. Raises ValueError where first ones are not the same in all, since
    then nothing can be compared."""

    def tally(arm: str, measure: str, part: float, whole: float) -> Tally:
        return Tally(setting, arm, measure, unit, part, whole)

    spent = {name: within(tries) for name, tries in arms.items()}
    if len({arm.first for arm in spent.values()}) > 1:
        raise ValueError(f"{setting}, {unit}: the arms' first attempts differ")
    for name, arm in spent.items():
        kept = [one for one in arm.later if one.accepted]
        yield tally(name, "accepted_per_1000", len(kept), arm.budget / 1000)
        if all(one.right is not None for one in kept):
            yield tally(name, "right_per_1000", sum(one.right is True for one in kept), arm.budget / 1000)
    for name, tries in ((MENDED, spent[TYPED].later), (FIRST_PASS, spent[TYPED].first)):
        known = [one.right for one in tries if one.right is not None]
        yield tally(name, "right_share", sum(known), len(known))


def within(tries: Sequence[Tried]) -> Bought[Tried]:
    """What the budget buys of an arm."""
    return bought(tries, slots=SLOTS, share=BUDGET)


def figures(setting: str, arms: Mapping[str, Sequence[Tried]]) -> dict[str, float]:
    """What is told beside: why first drafts were rejected, and the share of its budget that each arm spent."""
    first = Counter(one.mode or "accepted" for one in within(arms[DISCARD]).first)
    found = {f"{setting} first {mode}": float(count) for mode, count in sorted(first.items())}
    for name, tries in arms.items():
        arm = within(tries)
        found[f"{setting} {name} spent"] = sum(one.tokens for one in arm.later) / arm.budget
    return found
