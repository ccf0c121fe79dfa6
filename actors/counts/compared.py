"""Two runs' summaries as rows that stand side by side. Law: nothing is counted here: each figure is one of the tables
that terminal, report and metrics show, or a ratio of two of them; a rate has its interval, an unknown one is None."""

from collections.abc import Iterator

from actors.counts.rates import rate, share
from schemas.bill import Bill
from schemas.comparison import ComparedNumber, ComparedRate
from schemas.gate_audit import Rate
from schemas.progress import Summary
from schemas.recovery import FailureMode

ORDERS, RECOVERY, GATES, ACCEPTED, BILL = "orders", "recovery", "gates", "each accepted sample", "bill"


def compared_rates(left: Summary, right: Summary) -> Iterator[ComparedRate]:
    """Yield and recovery, the share of repairs that paid by failure mode, and what each gate passed."""
    for name, of in (("yield", _yield), ("accepted at first", _first_pass), ("recovered of rejected", _recovered)):
        yield ComparedRate(ORDERS, name, of(left), of(right))
    for mode in _names([row.mode for summary in (left, right) for row in summary.repairs]):
        yield ComparedRate(RECOVERY, mode, _repaired(left, FailureMode(mode)), _repaired(right, FailureMode(mode)))
    for gate in _names([row.gate for summary in (left, right) for row in summary.verdicts]):
        yield ComparedRate(GATES, gate, _passed(left, gate), _passed(right, gate))


def compared_numbers(left: Summary, right: Summary, bills: tuple[Bill | None, Bill | None]) -> Iterator[ComparedNumber]:
    """Counts, calls and tokens for each accepted sample by role, and the bill."""
    for name in ("issued", "accepted", "dead_lettered", "outstanding", "attempts"):
        yield ComparedNumber(ORDERS, name, getattr(left.counts, name), getattr(right.counts, name))
    yield ComparedNumber(ORDERS, "worked_s", left.worked_s, right.worked_s)
    for role in _names([row.role for summary in (left, right) for row in summary.roles]):
        for what in ("calls", "tokens"):
            yield ComparedNumber(ACCEPTED, f"{role} {what}", _each(left, role, what), _each(right, role, what))
    yield ComparedNumber(ACCEPTED, "tokens", *(share(each.tokens, each.counts.accepted) for each in (left, right)))
    if any(bills):
        yield ComparedNumber(BILL, "cost", *(None if bill is None else bill.cost for bill in bills))
        yield ComparedNumber(BILL, "of each accepted", *(None if bill is None else bill.accepted for bill in bills))


def is_over(summary: Summary) -> bool:
    """Whether nothing is planned or outstanding any more."""
    return summary.all_planned and not summary.counts.outstanding


def _names(found: list[str]) -> list[str]:
    return sorted(set(found))


def _yield(summary: Summary) -> Rate:
    return rate(summary.counts.accepted, summary.counts.needed)


def _first_pass(summary: Summary) -> Rate:
    return rate(summary.counts.first_pass, summary.counts.needed)


def _recovered(summary: Summary) -> Rate:
    return rate(summary.counts.recovered, summary.counts.rejected)


def _repaired(summary: Summary, mode: FailureMode) -> Rate:
    rows = [row for row in summary.repairs if row.mode == mode]
    return rate(sum(row.accepted for row in rows), sum(row.tried for row in rows))


def _passed(summary: Summary, gate: str) -> Rate:
    rows = [row for row in summary.verdicts if row.gate == gate]
    return rate(sum(row.passed for row in rows), sum(row.passed + row.rejected for row in rows))


def _each(summary: Summary, role: str, what: str) -> float | None:
    return share(sum(getattr(row, what) for row in summary.roles if row.role == role), summary.counts.accepted)
