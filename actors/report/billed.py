"""The page's part on what replicas held and what the run cost."""

from collections.abc import Sequence

from msgspec import Struct

from actors.counts.rates import share
from actors.report.words import duration, percent, short
from schemas.bill import Bill, HeldTime


class HeldRow(Struct, frozen=True):
    """One role in the page's words; costs are dashes without a price."""

    role: str
    held: str
    busy: str
    tokens: str
    hours: str


def held_rows(held: Sequence[HeldTime], bill: Bill | None) -> list[HeldRow]:
    """Every role that held accelerators or cost something."""
    times = {row.role: row for row in held}
    costs = {role.role: role for role in bill.roles} if bill is not None else {}
    return [
        HeldRow(
            role,
            duration(times[role].held_s if role in times else None),
            percent(share(times[role].busy_s, times[role].held_s) if role in times else None),
            short(costs[role].tokens) if role in costs else "–",
            short(costs[role].hours) if role in costs else "–",
        )
        for role in sorted(times.keys() | costs.keys())
    ]


def held_words(held: Sequence[HeldTime], bill: Bill | None) -> str:
    """How much of what was held did work, and what all of it cost. Times are of one accelerator, added up."""
    whole, busy = sum(row.held_s for row in held), sum(row.busy_s for row in held)
    told = (
        f"Replicas held {duration(whole)} of accelerators, loading, busy and idle; {percent(share(busy, whole))} busy."
    )
    return told if bill is None else f"{told} {_bill_words(bill)}"


def _bill_words(bill: Bill) -> str:
    each = "" if bill.accepted is None else f", {short(bill.accepted)} for each accepted sample"
    ends = ", ".join(f"{short(end.cost)} for {end.end.value} attempts" for end in bill.ends)
    lacking = f" Without a price: {', '.join(bill.unpriced)}." if bill.unpriced else ""
    return f"All of it cost {short(bill.cost)}{each}{f' ({ends})' if ends else ''}.{lacking}"
