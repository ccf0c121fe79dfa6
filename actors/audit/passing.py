"""What accepted attempts passed. Law: an accepted attempt has a Passed verdict of every gate that the configuration of
its time requires, but for gates whose share its order is not in. Each has a score that reaches the threshold of that
configuration for an attempt with that number.

The configuration of a time is known only when the next one is recorded. Until then attempts that passed in the same way
are counted together: there are few ways to pass, however many samples.
"""

from collections.abc import Sequence
from math import isclose, sqrt

from msgspec import Struct

from actors.audit.configured import Configured
from actors.audit.findings import Findings
from schemas.audit import Check
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, Rescored
from schemas.orders import Attempt
from schemas.shares import in_share
from schemas.verdicts import GateName, Passed, Raised

_ROUNDED = 2e-6
"""Recorded thresholds have six digits."""


class _Pass(Struct, frozen=True):
    """`edge`: of the band above which a cascade's cheap gate passed it; None if a threshold of the configuration
    counts."""

    gate: GateName
    threshold: float
    raised: Raised | None
    edge: float | None = None


class _Way(Struct, frozen=True):
    """The gates and thresholds that attempts with one number passed."""

    attempt: int
    gates: tuple[_Pass, ...]
    unjudged: tuple[GateName, ...] = ()


class Passings(Struct):
    """The ways in which attempts passed since the last change of configuration: first order and count of each."""

    seen: dict[_Way, tuple[OrderId, int]] = {}
    unjudged: dict[GateName, list[OrderId]] = {}
    """Accepted orders that a gate did not judge."""

    def add(self, order_id: OrderId, attempt: Attempt) -> None:
        """Counts one accepted attempt."""
        passed = [said for said in attempt.verdicts if isinstance(said, Passed)]
        each = tuple(_Pass(said.gate, said.threshold, said.evidence.raised, _edge(said)) for said in passed)
        way = _Way(attempt.number, each, attempt.unjudged)
        for gate in attempt.unjudged:
            self.unjudged.setdefault(gate, []).append(order_id)
        first, count = self.seen.get(way, (order_id, 0))
        self.seen[way] = (first, count + 1)

    def close(self, asked: Configured | None, where: str, findings: Findings) -> None:
        """Checks all of them against the configuration that they were made under. None: it is not known."""
        seen, self.seen = self.seen, {}
        unjudged, self.unjudged = self.unjudged, {}
        if seen and (asked is None or not asked.required):
            count = sum(count for _, count in seen.values())
            what = f"not checked: which gates {count} accepted samples had to pass: no configuration says it"
            findings.warning(Check.CONSERVATION, what, where)
            return
        for way, (order_id, count) in seen.items():
            for what in _wrong(way, asked) if asked is not None else ():
                fault = what if count == 1 else f"{what} (so have {count - 1} more)"
                findings.error(Check.CONSERVATION, fault, f"order {order_id}", order_id)
        for gate, orders in unjudged.items():
            if asked is not None:
                _check_unjudged(gate, orders, asked, findings)


def _check_unjudged(gate: GateName, orders: Sequence[OrderId], asked: Configured, findings: Findings) -> None:
    """Checks that only orders outside the gate's share went unjudged, drawn anew. A gate without a share has all."""
    share, seed = asked.shares.get(gate, 1.0), asked.seed or 0
    inside = [order_id for order_id in orders if in_share(seed, gate, order_id, share)]
    if inside:
        more = f" (so are {len(inside) - 1} more)" if len(inside) > 1 else ""
        what = f"accepted without a verdict of {gate}, whose share of the orders it is in{more}"
        findings.error(Check.CONSERVATION, what, f"order {inside[0]}", inside[0])


def check_scores(end: AcceptedEnd | Rescored, findings: Findings) -> None:
    """Checks that each score that passed reaches the threshold recorded with it."""
    for said in end.attempt.verdicts:
        if isinstance(said, Passed) and not said.score >= said.threshold:
            what = f"passed {said.gate} with {said.score:g}, which is below its threshold {said.threshold:g}"
            findings.error(Check.CONSERVATION, what, f"order {end.order_id}", end.order_id)


def _wrong(way: _Way, asked: Configured) -> list[str]:
    passed = {each.gate for each in way.gates}
    missing = [gate for gate in asked.required if gate not in passed and gate not in way.unjudged]
    wrong = [f"accepted without a verdict of {', '.join(missing)}"] if missing else []
    for each in way.gates:
        first = asked.required.get(each.gate) if each.edge is None else each.edge
        bar = asked.recovery.bar if each.gate in asked.against_source else "same"
        if first is not None and not _is_asked(each, way.attempt, first, bar):
            what = f"attempt {way.attempt} passed {each.gate} at threshold {each.threshold:g}"
            wrong.append(f"{what}, where the configuration asks a first one for {first:g}")
    return wrong


def _edge(said: Passed) -> float | None:
    cascade = said.evidence.cascade
    if cascade is None or len(cascade.steps) > 1 or cascade.band is None:
        return None
    return cascade.band.high


def _is_asked(said: _Pass, attempt: int, first: float, bar: str | None) -> bool:
    """Whether a threshold is the configured one, raised if the configuration says so. A `bar` of None allows both."""
    rises = attempt > 1 and (bar == "raised" or (bar is None and said.raised))
    if not rises:
        return said.raised is None and said.threshold == first
    return said.raised == Raised(first, attempt) and isclose(said.threshold, _risen(first, attempt), abs_tol=_ROUNDED)


def _risen(first: float, attempt: int) -> float:
    """The raised threshold: its odds times the square root of the attempt's number."""
    if first >= 1:
        return 1.0
    odds = first / (1 - first) * sqrt(attempt)
    return odds / (1 + odds)
